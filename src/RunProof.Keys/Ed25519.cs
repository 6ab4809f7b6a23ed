using System.Security.Cryptography;

namespace RunProof.Keys;

/// <summary>Ed25519 (RFC 8032) through OpenSSL 3's libcrypto.</summary>
/// <remarks>
/// Strict, so that one signature has one spelling and one key one text: encodings that are not canonical are refused (of the key, of R and of S), and so are
/// the eight points of small order as keys, under which one signature is right for many texts.
/// </remarks>
public static unsafe class Ed25519
{
    /// <summary>Bytes of a private key's seed, and of a public key.</summary>
    public const int KeyLength = 32;

    /// <summary>Bytes of a signature.</summary>
    public const int SignatureLength = 64;

    // p = 2^255 - 19, little-endian.
    private static readonly byte[] Prime = [0xed, .. Enumerable.Repeat((byte)0xff, 30), 0x7f];

    /// <summary>The y of the points of small order (RFC 7748 and the list in C2SP/CCTV): 0, 1, p - 1 and the two of order 8.</summary>
    private static readonly byte[][] SmallOrder =
    [
        new byte[32],
        [1, .. new byte[31]],
        [0xec, .. Enumerable.Repeat((byte)0xff, 30), 0x7f],
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];

    /// <summary>Whether this machine can sign and verify.</summary>
    public static bool IsAvailable => LibCrypto.IsLoaded;

    /// <summary>The public key of a private one.</summary>
    /// <param name="seed">32 bytes.</param>
    /// <exception cref="ArgumentException">Another length.</exception>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>32 bytes.</returns>
    public static byte[] PublicKey(ReadOnlySpan<byte> seed)
    {
        using var key = NativeKey.Private(seed);
        var publicKey = new byte[KeyLength];
        nuint length = KeyLength;
        fixed (byte* target = publicKey)
            Require(LibCrypto.EVP_PKEY_get_raw_public_key(key.Handle, target, &length));
        return publicKey;
    }

    /// <summary>Signs.</summary>
    /// <param name="seed">The private key's 32 bytes.</param>
    /// <param name="text">What is signed.</param>
    /// <exception cref="ArgumentException">The seed has another length.</exception>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>64 bytes, the same for the same text.</returns>
    public static byte[] Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> text)
    {
        using var key = NativeKey.Private(seed);
        var context = LibCrypto.EVP_MD_CTX_new();
        try
        {
            var signature = new byte[SignatureLength];
            nuint length = SignatureLength;
            Require(LibCrypto.EVP_DigestSignInit(context, 0, 0, 0, key.Handle));
            fixed (byte* target = signature, source = text)
                Require(LibCrypto.EVP_DigestSign(context, target, &length, source, (nuint)text.Length));
            return signature;
        }
        finally
        {
            LibCrypto.EVP_MD_CTX_free(context);
        }
    }

    /// <summary>Verifies. Any bytes are answered, never thrown at.</summary>
    /// <param name="publicKey">The public key.</param>
    /// <param name="text">What was signed.</param>
    /// <param name="signature">The signature.</param>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded: nothing was compared.</exception>
    /// <returns>Whether the key made the signature, in its one canonical form.</returns>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        NativeKey.RequireLibrary();
        if (signature.Length != SignatureLength || !IsUsableKey(publicKey))
            return false;
        using var key = NativeKey.Public(publicKey);
        var context = LibCrypto.EVP_MD_CTX_new();
        try
        {
            fixed (byte* given = signature, source = text)
            {
                return key.Handle != 0
                    && LibCrypto.EVP_DigestVerifyInit(context, 0, 0, 0, key.Handle) == 1
                    && LibCrypto.EVP_DigestVerify(context, given, SignatureLength, source, (nuint)text.Length) == 1;
            }
        }
        finally
        {
            // A refused signature leaves an entry in the thread's error queue, which .NET's own calls would find.
            LibCrypto.ERR_clear_error();
            LibCrypto.EVP_MD_CTX_free(context);
        }
    }

    /// <summary>Whether 32 bytes are the canonical encoding of a point's y, and not of one of small order. libcrypto checks neither.</summary>
    /// <param name="publicKey">A public key.</param>
    /// <returns>Whether signatures under it prove anything.</returns>
    public static bool IsUsableKey(ReadOnlySpan<byte> publicKey)
    {
        if (publicKey.Length != KeyLength)
            return false;
        Span<byte> y = stackalloc byte[KeyLength];
        publicKey.CopyTo(y);
        y[31] &= 0x7f;
        if (!IsBelow(y, Prime))
            return false;
        foreach (var small in SmallOrder)
        {
            if (y.SequenceEqual(small))
                return false;
        }

        return true;
    }

    private static bool IsBelow(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        for (var i = left.Length - 1; i >= 0; i--)
        {
            if (left[i] != right[i])
                return left[i] < right[i];
        }

        return false;
    }

    private static void Require(int result)
    {
        if (result != 1)
            throw new CryptographicException("libcrypto refused an Ed25519 operation");
    }

    private readonly ref struct NativeKey
    {
        private NativeKey(nint handle) => Handle = handle;

        internal nint Handle { get; }

        internal static NativeKey Private(ReadOnlySpan<byte> seed)
        {
            if (seed.Length != KeyLength)
                throw new ArgumentException($"the seed of an Ed25519 key has {KeyLength} bytes, not {seed.Length}", nameof(seed));
            RequireLibrary();
            fixed (byte* bytes = seed)
            {
                var handle = LibCrypto.EVP_PKEY_new_raw_private_key(LibCrypto.Ed25519, 0, bytes, KeyLength);
                Require(handle != 0 ? 1 : 0);
                return new NativeKey(handle);
            }
        }

        internal static NativeKey Public(ReadOnlySpan<byte> key)
        {
            fixed (byte* bytes = key)
                return new NativeKey(LibCrypto.EVP_PKEY_new_raw_public_key(LibCrypto.Ed25519, 0, bytes, KeyLength));
        }

        internal static void RequireLibrary()
        {
            if (!LibCrypto.IsLoaded)
                throw new PlatformNotSupportedException($"Ed25519 takes OpenSSL 3, and none of its libraries could be loaded ({LibCrypto.Tried}): install it, or verify on another machine");
        }

        public void Dispose()
        {
            if (Handle != 0)
                LibCrypto.EVP_PKEY_free(Handle);
        }
    }
}
