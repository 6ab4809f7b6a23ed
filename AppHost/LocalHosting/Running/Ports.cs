using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost;

/// <summary>Free ports of 127.0.0.1, none given out twice.</summary>
internal sealed class Ports
{
    private readonly HashSet<int> given = [];

    public int Take()
    {
        lock (given)
        {
            while (true)
            {
                var port = ServerProbe.FreePort();
                if (given.Add(port))
                    return port;
            }
        }
    }
}
