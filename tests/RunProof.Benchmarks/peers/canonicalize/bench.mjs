// node bench.mjs cases.json: each case's JSON, canonicalized by npm's package, must give the bytes that it came from; then what a call takes.
// The package gives a string; what is hashed is UTF-8, so both are timed: the string alone, and with its bytes.
import canonicalize from "canonicalize";
import { readFileSync } from "node:fs";

const batches = 7;
const batchMilliseconds = 200;

/** Members in the order that they would have been declared in, not in the one that they are wanted in. */
function shuffled(value) {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([name, member]) => [name, shuffled(member)]));
}

function nanoseconds(call) {
  let best = Infinity;
  for (let batch = 0; batch < batches; batch++) {
    let calls = 0;
    const start = performance.now();
    while (performance.now() - start < batchMilliseconds) {
      for (let i = 0; i < 100; i++) call();
      calls += 100;
    }
    best = Math.min(best, ((performance.now() - start) * 1e6) / calls);
  }
  return best;
}

let failed = 0;
console.log("| object | bytes | RunProof | canonicalize | with UTF-8 | ratio |");
console.log("|---|---:|---:|---:|---:|---:|");
for (const { name, canonical, nanoseconds: ours } of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const expected = Buffer.from(canonical, "base64");
  const value = shuffled(JSON.parse(expected.toString("utf8")));
  const actual = Buffer.from(canonicalize(value), "utf8");
  if (!actual.equals(expected)) {
    console.error(`${name}: other bytes\n  RunProof     ${expected}\n  canonicalize ${actual}`);
    failed++;
    continue;
  }
  const text = nanoseconds(() => canonicalize(value));
  const bytes = nanoseconds(() => Buffer.from(canonicalize(value), "utf8"));
  console.log(`| ${name} | ${expected.length} | ${ours.toFixed(0)} ns | ${text.toFixed(0)} ns | ${bytes.toFixed(0)} ns | ${(bytes / ours).toFixed(1)} |`);
}
process.exit(failed === 0 ? 0 : 1);
