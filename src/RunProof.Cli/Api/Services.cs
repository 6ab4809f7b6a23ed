namespace RunProof.Cli;

/// <summary>Finds the services: options first, then RunProof's variables, then those that Aspire injects.</summary>
internal static class Services
{
    /// <summary>The runner.</summary>
    /// <param name="invocation">The command.</param>
    /// <exception cref="CommandException">No address is known.</exception>
    internal static ApiClient Runner(Invocation invocation) =>
        Client(invocation, "runner", invocation.Get(GlobalOptions.RunnerUrl) ?? Configured(invocation.World, "runner"));

    /// <summary>The verifier.</summary>
    /// <param name="invocation">The command.</param>
    /// <exception cref="CommandException">No address is known.</exception>
    internal static ApiClient Verifier(Invocation invocation) =>
        Client(invocation, "verifier", invocation.Get(GlobalOptions.VerifierUrl) ?? Configured(invocation.World, "verifier"));

    private static string? Configured(World world, string service) =>
        world.FirstVariable($"RUNPROOF_{service.ToUpperInvariant()}_URL", $"services__{service}__http__0", $"services__{service}__https__0");

    private static ApiClient Client(Invocation invocation, string service, string? url)
    {
        if (url is null)
            throw CommandException.Usage($"where is the {service}?", $"give --{service}-url or set RUNPROOF_{service.ToUpperInvariant()}_URL; dotnet run --project AppHost prints it");
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw CommandException.Usage($"{url} is not the URL of a {service}", "for example http://localhost:5080");
        var key = invocation.Get(GlobalOptions.ApiKey) ?? invocation.World.Variable("RUNPROOF_API_KEY");
        return new ApiClient(service, WithSlash(address), key, Sender(address));
    }

    // A base address without its last slash would lose its last folder.
    private static Uri WithSlash(Uri address) => address.AbsolutePath.EndsWith('/') ? address : new Uri(address.GetLeftPart(UriPartial.Path) + "/");

    // A redirect could carry the key elsewhere, and a proxy has no business between two processes of one machine.
    private static HttpClient Sender(Uri address) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = !address.IsLoopback, ConnectTimeout = TimeSpan.FromSeconds(10) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
}
