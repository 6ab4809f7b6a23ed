namespace System.Runtime.CompilerServices;

/// <summary>What records need of the runtime, which .NET Standard 2.0 lacks.</summary>
internal static class IsExternalInit;
