using BenchmarkDotNet.Running;
using RunProof.Benchmarks;

switch (args)
{
    case ["micro", .. var rest]:
        BenchmarkSwitcher.FromAssembly(typeof(RecordBenchmark).Assembly).Run(rest);
        return 0;
    case ["record", .. var rest]:
        return await RecordBenchmark.RunAsync(RecordOptions.Parse(rest), CancellationToken.None);
    case ["seal", .. var rest]:
        return await SealBenchmark.RunAsync(SealOptions.Parse(rest), CancellationToken.None);
    case ["log", .. var rest]:
        return await LogBenchmark.RunAsync(LogBenchmarkOptions.Parse(rest), CancellationToken.None);
    case ["audit", .. var rest]:
        return await AuditBenchmark.RunAsync(AuditBenchOptions.Parse(rest), CancellationToken.None);
    case ["engine", .. var rest]:
        return await EngineBenchmark.RunAsync(EngineOptions.Parse(rest), CancellationToken.None);
    case ["npm"]:
        return await NpmPeer.RunAsync(CancellationToken.None);
    default:
        Console.Error.WriteLine("usage: micro [BenchmarkDotNet's arguments] | npm\n  record " + RecordOptions.Usage + "\n  seal " + SealOptions.Usage + "\n  log " + LogBenchmarkOptions.Usage + "\n  audit " + AuditBenchOptions.Usage + "\n  engine " + EngineOptions.Usage);
        return 2;
}
