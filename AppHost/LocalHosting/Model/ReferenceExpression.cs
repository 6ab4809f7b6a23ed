using System.Runtime.CompilerServices;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A text with parts that are known only once other things run.</summary>
public sealed class ReferenceExpression : IValueProvider
{
    private readonly IReadOnlyList<object> parts;

    private ReferenceExpression(IReadOnlyList<object> parts) => this.parts = parts;

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => new(handler.Parts);

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var text = "";
        foreach (var part in parts)
            text += part is IValueProvider value ? await value.GetValueAsync(cancellationToken) : (string)part;
        return text;
    }

    [InterpolatedStringHandler]
    public readonly struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        internal List<object> Parts { get; } = new(Math.Max(literalLength > 0 ? 1 : 0, 2 * formattedCount));

        public void AppendLiteral(string value) => Parts.Add(value);

        public void AppendFormatted(string? value) => Parts.Add(value ?? "");

        public void AppendFormatted<T>(T value)
            where T : IValueProvider => Parts.Add(value);

        public void AppendFormatted(IResourceBuilder<ParameterResource> value) => Parts.Add(value.Resource);
    }
}
