using System.Text;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Properties;

/// <summary>Any value → writer → what an independent canonicalizer gives → reader → the same value, for every canonical record there is.</summary>
public sealed class RoundTrips
{
    public static TheoryData<string> Names => Records.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_value_is_written_as_an_independent_canonicalizer_writes_its_JSON_and_is_read_back(string name)
    {
        var subject = Records.All[name];
        Property.Holds(150, choices =>
        {
            var value = Any(subject, choices);
            var bytes = subject.Write(value);
            Assert.Equal(SlowCanonicalizer.Canonicalize(Independent.Json(subject.Shape, value)), Encoding.UTF8.GetString(bytes));
            Assert.True(subject.TryRead(bytes, out var read, out var fault), $"{fault}: {Encoding.UTF8.GetString(bytes)}");
            Assert.True(Independent.Same(subject.Shape, value, read), $"{value} is read as {read}");
            Assert.Equal(bytes, subject.Write(read!));
            var bound = subject.Bind(bytes);
            Assert.True(bound is null || Independent.Same(subject.Shape, value, bound), $"{value} is bound as {bound}");
        });
    }

    /// <summary>A guarded record does not take every value: those that it takes.</summary>
    internal static object Any(Subject subject, Choices choices) =>
        subject.Shape.Type == typeof(Guarded) ? new Guarded("word" + choices.Next(10), choices.Next(1000)) : AnyValue.Record(subject.Shape, choices);
}
