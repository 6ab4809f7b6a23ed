using System.Buffers;
using System.Text;
using RunProof.Format;

namespace RunProof.Policies;

/// <summary>A document as data: the canonical JSON that its digest is over, alike for YAML and JSON.</summary>
internal static class CanonicalDocument
{
    /// <exception cref="CanonicalFormatException">It holds a number that canonical JSON cannot keep.</exception>
    internal static CanonicalJson Of(PolicyNode root)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        var writer = new CanonicalWriter(buffer);
        Write(ref writer, root);
        writer.Flush();
        return CanonicalJson.Parse(buffer.WrittenSpan);
    }

    private static void Write(ref CanonicalWriter writer, PolicyNode node)
    {
        switch (node.Kind)
        {
            case NodeKind.Text:
                writer.WriteString(node.Text);
                break;
            case NodeKind.List:
                writer.WriteRaw("["u8);
                for (var i = 0; i < node.Items.Count; i++)
                {
                    if (i > 0)
                        writer.WriteRaw(","u8);
                    Write(ref writer, node.Items[i]);
                }

                writer.WriteRaw("]"u8);
                break;
            case NodeKind.Map:
                writer.WriteRaw("{"u8);
                for (var i = 0; i < node.Members.Count; i++)
                {
                    if (i > 0)
                        writer.WriteRaw(","u8);
                    writer.WriteString(node.Members[i].Name);
                    writer.WriteRaw(":"u8);
                    Write(ref writer, node.Members[i].Value);
                }

                writer.WriteRaw("}"u8);
                break;
            default:
                writer.WriteRaw(Encoding.ASCII.GetBytes(node.Text));
                break;
        }
    }
}
