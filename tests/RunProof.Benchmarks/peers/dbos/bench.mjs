// node bench.mjs URL RUNS STEPS SECONDS WARMUP BYTES: workflows of STEPS steps, RUNS at once, each step giving BYTES back. One line of JSON at the end:
// steps, seconds, and the sorted milliseconds of each step as its workflow sees it (from one step's return to the next's).
import { DBOS } from "@dbos-inc/dbos-sdk";

const [url, runs, steps, seconds, warmup, bytes] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const payload = { message: "x".repeat(bytes) };
let latencies = [];

async function echo(message) {
  return message;
}

async function workflow() {
  for (let n = 0; n < steps; n++) {
    const began = performance.now();
    await DBOS.runStep(() => echo(payload), { name: `echo${n}` });
    latencies.push(performance.now() - began);
  }
}

const registered = DBOS.registerWorkflow(workflow, { name: "bench" });
DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, runAdminServer: false, logLevel: "error", systemDatabasePoolSize: 20 });
await DBOS.launch();

async function drive(duration) {
  const until = performance.now() + duration * 1000;
  await Promise.all(Array.from({ length: runs }, async () => {
    while (performance.now() < until) {
      const handle = await DBOS.startWorkflow(registered)();
      await handle.getResult();
    }
  }));
}

await drive(warmup);
latencies = [];
const began = performance.now();
await drive(seconds);
const elapsed = (performance.now() - began) / 1000;
latencies.sort((a, b) => a - b);
const at = (p) => latencies[Math.min(Math.floor(latencies.length * p), latencies.length - 1)];
console.log("RESULT " + JSON.stringify({ steps: latencies.length, seconds: elapsed, p50: at(0.5), p99: at(0.99) }));
await DBOS.shutdown();
process.exit(0);
