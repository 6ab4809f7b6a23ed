using System.Buffers;
using System.Text;
using System.Text.Json;
using RunProof.BuiltinSkills;
using RunProof.Format;

namespace RunProof.Generators.Tests.Properties;

/// <summary>Every canonical record of the samples, of the format itself and of the skills that come with RunProof.</summary>
internal static class Records
{
    public static IReadOnlyDictionary<string, Subject> All { get; } = new[] { typeof(Records).Assembly, typeof(TraceHeader).Assembly, typeof(WaitOutcome).Assembly }
        .SelectMany(static assembly => assembly.GetTypes())
        .Where(static type => type.IsDefined(typeof(CanonicalAttribute), inherit: false))
        .ToDictionary(static type => type.FullName!, static type => (Subject)Activator.CreateInstance(typeof(Subject<>).MakeGenericType(type))!, StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. All.Keys.Order(StringComparer.Ordinal)];
}

/// <summary>A canonical record, its writer and its reader.</summary>
internal abstract class Subject(Type type)
{
    public Shape Shape { get; } = Shape.Of(type);

    public abstract byte[] Write(object value);

    /// <summary>What the record's binder makes of its own bytes; null where it has none.</summary>
    public abstract object? Bind(byte[] bytes);

    public abstract bool TryRead(ReadOnlySpan<byte> bytes, out object? value, out ReadFault fault);

    /// <summary>Whatever the bytes are: they are the value's, or they are refused with a reason at a place. Never anything else.</summary>
    /// <returns>The value, or null.</returns>
    public object? ReadStrictly(ReadOnlySpan<byte> bytes, string what)
    {
        if (!TryRead(bytes, out var value, out var fault))
        {
            if (fault.Code == ReadFaultCode.None || fault.Offset < 0 || fault.Offset > bytes.Length || string.IsNullOrWhiteSpace(fault.Message))
                Assert.Fail($"{what}: {fault} is no reason to refuse {Encoding.UTF8.GetString(bytes)}");
            if (fault.Code == ReadFaultCode.RefusedByType && Shape.Type != typeof(Guarded))
                Assert.Fail($"{what}: an exception was swallowed: {fault} in {Encoding.UTF8.GetString(bytes)}");
            return null;
        }

        if (!Write(value!).AsSpan().SequenceEqual(bytes))
            Assert.Fail($"{what}: read, and written in other bytes: {Encoding.UTF8.GetString(bytes)} is written as {Encoding.UTF8.GetString(Write(value!))}");
        return value;
    }
}

internal sealed class Subject<T>() : Subject(typeof(T))
    where T : ICanonical<T>
{
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);

    public override byte[] Write(object value)
    {
        lock (_buffer)
        {
            _buffer.ResetWrittenCount();
            CanonicalBytes.Write(_buffer, (T)value);
            return _buffer.WrittenSpan.ToArray();
        }
    }

    public override object? Bind(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 100 });
        var bind = typeof(T).GetMethod("BindJson", [typeof(JsonElement), typeof(string)])?.CreateDelegate<Func<JsonElement, string, T>>();
        return bind is null ? null : bind(document.RootElement, "place");
    }

    public override bool TryRead(ReadOnlySpan<byte> bytes, out object? value, out ReadFault fault)
    {
        var read = CanonicalBytes.TryRead<T>(bytes, out var record, out fault);
        value = record;
        return read;
    }
}
