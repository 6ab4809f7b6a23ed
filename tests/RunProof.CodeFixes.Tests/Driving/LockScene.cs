using System.Security.Cryptography;
using System.Text;
using Microsoft.CodeAnalysis;

namespace RunProof.CodeFixes.Tests.Driving;

/// <summary>Projects with a lock.</summary>
internal static class LockScene
{
    public const string File = "canonical.lock.json";

    public const string Create = "Create canonical.lock.json with the shapes of this project";

    /// <summary>The digest of a text, without a line of the code under test.</summary>
    public static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The lock that a project of one source is created with.</summary>
    public static async Task<string> LockOf(string source) => await Lock(await Fixed.Applied("RP0311", Create, Scene.Locked((Fixed.File, source))));

    /// <summary>A project whose lock holds the shapes of an older source.</summary>
    public static async Task<Project> Since(string shipped, string now) => Scene.Locked((Fixed.File, now), (File, await LockOf(shipped)));

    public static async Task<string> Lock(Project project) => (await project.AdditionalDocuments.Single(static document => document.Name == File).GetTextAsync()).ToString();

    /// <summary>The titles of all that is offered for a rule's first fault.</summary>
    public static async Task<string[]> Titles(Project project, string id)
    {
        var fault = (await Scene.Faults(project)).First(fault => fault.Id == id);
        return [.. (await Offer.For(project, fault)).Select(static offer => offer.Action.Title)];
    }
}
