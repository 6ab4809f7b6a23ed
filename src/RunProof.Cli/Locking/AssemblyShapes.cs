using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using RunProof.Generators;

namespace RunProof.Cli;

/// <summary>The shapes that the generator wrote into an assembly, read from its metadata: nothing of it is loaded or run.</summary>
internal static class AssemblyShapes
{
    private const string Attribute = "CanonicalShapeAttribute";

    /// <summary>Reads them.</summary>
    /// <param name="assembly">The assembly's file.</param>
    /// <exception cref="CommandException">It is no assembly, or its shapes are of a newer RunProof.</exception>
    internal static (List<LockRecord> Records, List<LockSkill> Skills) Read(string assembly)
    {
        var (records, skills) = (new List<LockRecord>(), new List<LockSkill>());
        foreach (var entry in Entries(assembly))
        {
            var (record, skill) = LockParser.ReadEntry(entry);
            if (record is not null)
                records.Add(record);
            else
                skills.Add(skill ?? throw new CommandException(ExitCode.Error, "newer_shape", $"{assembly} holds a shape that this runproof cannot read: {entry}", "update runproof to the version of the project's RunProof packages"));
        }

        return (records, skills);
    }

    private static List<string> Entries(string assembly)
    {
        try
        {
            using var stream = File.OpenRead(assembly);
            using var image = new PEReader(stream);
            if (!image.HasMetadata || image.GetMetadataReader() is not { IsAssembly: true } metadata)
                throw CommandException.Usage($"{assembly} is no .NET assembly");
            return [.. metadata.GetAssemblyDefinition().GetCustomAttributes().Select(metadata.GetCustomAttribute)
                .Where(attribute => IsShape(metadata, attribute.Constructor)).Select(attribute => TextOf(metadata, attribute))];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or BadImageFormatException)
        {
            throw CommandException.Usage($"cannot read {assembly}: {problem.Message}");
        }
    }

    private static bool IsShape(MetadataReader metadata, EntityHandle constructor)
    {
        var type = constructor.Kind switch
        {
            HandleKind.MemberReference => metadata.GetMemberReference((MemberReferenceHandle)constructor).Parent,
            HandleKind.MethodDefinition => metadata.GetMethodDefinition((MethodDefinitionHandle)constructor).GetDeclaringType(),
            _ => default,
        };
        return type.Kind switch
        {
            HandleKind.TypeReference => IsNamed(metadata, metadata.GetTypeReference((TypeReferenceHandle)type).Namespace, metadata.GetTypeReference((TypeReferenceHandle)type).Name),
            HandleKind.TypeDefinition => IsNamed(metadata, metadata.GetTypeDefinition((TypeDefinitionHandle)type).Namespace, metadata.GetTypeDefinition((TypeDefinitionHandle)type).Name),
            _ => false,
        };
    }

    private static bool IsNamed(MetadataReader metadata, StringHandle space, StringHandle name) =>
        metadata.StringComparer.Equals(space, "RunProof.Format") && metadata.StringComparer.Equals(name, Attribute);

    // ECMA-335 II.23.3: a prolog of two bytes, then the one argument.
    private static string TextOf(MetadataReader metadata, CustomAttribute attribute)
    {
        var value = metadata.GetBlobReader(attribute.Value);
        return value.ReadUInt16() == 1 && value.ReadSerializedString() is { } text ? text : throw new BadImageFormatException($"a {Attribute} holds no text");
    }
}
