using System.Reflection;
using System.Runtime.InteropServices;

namespace RunProof.Keys;

/// <summary>The calls of OpenSSL 3's libcrypto that Ed25519 takes: .NET 10 has no Ed25519 of its own, and on Linux it has this library loaded anyway.</summary>
internal static unsafe partial class LibCrypto
{
    /// <summary>NID_ED25519, include/openssl/obj_mac.h.</summary>
    internal const int Ed25519 = 1087;

    private const string Name = "runproof-libcrypto";

    /// <summary>Names the library's file where it lies elsewhere; nothing else is tried then.</summary>
    private const string Variable = "RUNPROOF_LIBCRYPTO";

    private static readonly string[] Candidates =
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? [named]
        : OperatingSystem.IsWindows() ? ["libcrypto-3-x64", "libcrypto-3-arm64", "libcrypto-3"]
        : OperatingSystem.IsMacOS() ? ["libcrypto.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib", "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib"]
        : ["libcrypto.so.3"];

    private static readonly nint Handle = Load();

    static LibCrypto() => NativeLibrary.SetDllImportResolver(typeof(LibCrypto).Assembly, static (name, _, _) => name == Name ? Handle : 0);

    /// <summary>Whether the library was found, and is of version 3 or later.</summary>
    internal static bool IsLoaded => Handle != 0;

    /// <summary>The names that were tried, for messages.</summary>
    internal static string Tried => string.Join(", ", Candidates) + $"; {Variable} names another file";

    [LibraryImport(Name)]
    internal static partial nint EVP_PKEY_new_raw_private_key(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Name)]
    internal static partial nint EVP_PKEY_new_raw_public_key(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Name)]
    internal static partial int EVP_PKEY_get_raw_public_key(nint key, byte* publicKey, nuint* length);

    [LibraryImport(Name)]
    internal static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Name)]
    internal static partial nint EVP_MD_CTX_new();

    [LibraryImport(Name)]
    internal static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestSignInit(nint context, nint keyContext, nint type, nint engine, nint key);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestSign(nint context, byte* signature, nuint* length, byte* text, nuint textLength);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestVerifyInit(nint context, nint keyContext, nint type, nint engine, nint key);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestVerify(nint context, byte* signature, nuint length, byte* text, nuint textLength);

    [LibraryImport(Name)]
    internal static partial void ERR_clear_error();

    private static nint Load()
    {
        foreach (var candidate in Candidates)
        {
            // Safe directories only: a library of that name in the working directory is nobody's OpenSSL.
            if (NativeLibrary.TryLoad(candidate, Assembly.GetExecutingAssembly(), DllImportSearchPath.SafeDirectories, out var handle)
                && NativeLibrary.TryGetExport(handle, nameof(EVP_DigestVerify), out _)
                && NativeLibrary.TryGetExport(handle, "OPENSSL_version_major", out _))
                return handle;
        }

        return 0;
    }
}
