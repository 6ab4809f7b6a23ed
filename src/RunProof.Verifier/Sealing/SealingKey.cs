using RunProof.Keys;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>The operator's key, opened when it is first needed. Where there is none to use, the service serves and does not seal, and says why.</summary>
internal sealed partial class SealingKey(LogOptions options, IConfiguration configuration, ILogger<SealingKey> logger)
{
    private readonly Lock _gate = new();
    private SigningKeyFile? _file;
    private string? _problem;

    private const string NoLibrary = "no libcrypto of OpenSSL 3 can be loaded";

    /// <summary>Why nothing is sealed, in words that anybody may read: without a file's name. Null where there is a key, or it was not needed yet.</summary>
    internal string? PublicProblem => Problem is null ? null
        : Ed25519.IsAvailable ? "there is no signing key that can be used, so nothing is sealed; the log says why"
        : NoLibrary + ", so nothing is sealed and no checkpoint is verified; proofs are served, and say so";

    /// <summary>Where the key file is: <c>RUNPROOF_SIGNING_KEY_FILE</c>, or <c>log-signing.key</c> in the folder of the options.</summary>
    internal string Path => SigningKeyFile.Locate(configuration[SigningKeyFile.Variable], options.KeyFolder);

    /// <summary>Why there is no key; null where there is one, or it was not needed yet.</summary>
    internal string? Problem
    {
        get
        {
            lock (_gate)
                return _problem;
        }
    }

    /// <summary>The key as it now stands in its file, which is made at the first start.</summary>
    /// <returns>The key; null where there is none to use.</returns>
    internal SigningKeyFile? Open()
    {
        lock (_gate)
        {
            var before = _problem;
            try
            {
                if (!Ed25519.IsAvailable)
                    throw new PlatformNotSupportedException($"{NoLibrary}: this machine can neither sign nor verify checkpoints. Install OpenSSL 3, or name its libcrypto in RUNPROOF_LIBCRYPTO, and start again");
                OpenOrRefresh();
                _problem = null;
            }
            catch (Exception e) when (e is SigningKeyFileException or PlatformNotSupportedException)
            {
                _problem = e.Message;
                if (_problem != before)
                    LogNoKey(logger, _problem);
            }

            return _problem is null ? _file : null;
        }
    }

    private void OpenOrRefresh()
    {
        if (_file is not null)
        {
            if (_file.Refresh())
                LogRefreshed(logger, _file.Path, _file.KeyOf(options.Name).ToString());
            return;
        }

        _file = SigningKeyFile.OpenOrCreate(Path, options.Name, out var isNew);
        if (isNew)
            LogCreated(logger, _file.Path);
        else
            LogOpened(logger, _file.Path, _file.KeyOf(options.Name).ToString());
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "a new signing key was made in {File}: keep a copy in a safe place; without it no log can be continued, and whoever has it can sign in your name")]
    private static partial void LogCreated(ILogger logger, string file);

    [LoggerMessage(Level = LogLevel.Information, Message = "logs are signed with the key in {File}: {PublicKey}")]
    private static partial void LogOpened(ILogger logger, string file, string publicKey);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the signing key in {File} was replaced: logs are signed with {PublicKey}")]
    private static partial void LogRefreshed(ILogger logger, string file, string publicKey);

    [LoggerMessage(Level = LogLevel.Error, Message = "nothing is sealed: {Problem}")]
    private static partial void LogNoKey(ILogger logger, string problem);
}
