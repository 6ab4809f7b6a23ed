using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using RunProof.Migrator;

// Runs from environment variables alone; see MigratorSettings for their names.
var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
using var logging = LoggerFactory.Create(builder => builder.AddSimpleConsole(console => console.SingleLine = true));
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

return await Migration.RunAsync(configuration, logging.CreateLogger("RunProof.Migrator"), TimeProvider.System, Console.Error, stop.Token);
