using System.Globalization;

namespace RunProof.Mcp;

/// <summary>Where a message ends on a stream.</summary>
internal enum MessageEnd
{
    /// <summary>At the end of a line: standard streams.</summary>
    Line,

    /// <summary>At an empty line: server-sent events.</summary>
    EmptyLine,

    /// <summary>At the end of the stream: a body of JSON.</summary>
    Stream,
}

/// <summary>What a server says, message by message at most so long: whoever reads whole messages into memory must not be given endless ones.</summary>
internal sealed class BoundedStream(Stream inner, int maxBytes, MessageEnd end, Action<MessageTooLargeException> exceeded) : Stream
{
    private int _inMessage;
    private int _inLine;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Counted(buffer.AsSpan(offset, inner.Read(buffer, offset, count)));

    public override async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        var read = await inner.ReadAsync(buffer.AsMemory(offset, count), cancellationToken);
        return Counted(buffer.AsSpan(offset, read));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        return Counted(buffer.Span[..read]);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private int Counted(ReadOnlySpan<byte> read)
    {
        foreach (var value in read)
        {
            _inMessage++;
            if (value == (byte)'\n')
            {
                if (end is MessageEnd.Line || (end is MessageEnd.EmptyLine && _inLine == 0))
                    _inMessage = 0;
                _inLine = 0;
            }
            else if (value != (byte)'\r')
            {
                _inLine++;
            }

            if (_inMessage > maxBytes)
                throw Exceeded();
        }

        return read.Length;
    }

    private MessageTooLargeException Exceeded()
    {
        var too = new MessageTooLargeException(string.Create(CultureInfo.InvariantCulture, $"it sent a message of more than {maxBytes} bytes"));
        exceeded(too);
        return too;
    }
}

/// <summary>A message of a server is larger than the operator allows.</summary>
internal sealed class MessageTooLargeException(string message) : IOException(message);
