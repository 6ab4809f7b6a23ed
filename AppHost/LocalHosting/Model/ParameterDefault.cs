using System.Security.Cryptography;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Where a parameter's value comes from when configuration has none.</summary>
public abstract class ParameterDefault
{
    public abstract string GetDefaultValue();
}

/// <summary>A value generated from the operating system's randomness.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    /// <summary>How many characters. Default 22.</summary>
    public int MinLength { get; set; } = 22;

    /// <summary>Whether punctuation may be among them. Default true; here it never is.</summary>
    public bool Special { get; set; } = true;

    public override string GetDefaultValue() =>
        RandomNumberGenerator.GetString("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", MinLength);
}
