using System.IO.Compression;

namespace Monge.Data;

/// <summary>Reads zip archives of data files with their checksums verified.</summary>
internal static class ZipContents
{
    // Deflate can't expand a byte to more than 1032; a larger claim is a damaged or hostile entry.
    private const long LargestExpansion = 1032;
    private static readonly uint[] ChecksumTable = MakeChecksumTable();

    /// <summary>The names of the entries that are no directories, in the order of the archive.</summary>
    /// <exception cref="DataFormatException">The archive is truncated, foreign or damaged.</exception>
    public static IReadOnlyList<string> Names(string path) =>
        Open(path, (archive, _) => (string[])[.. archive.Entries.Select(entry => entry.FullName).Where(name => !name.EndsWith('/'))]);

    /// <summary>Reads each entry that is not a directory and hands its name and bytes over, in the order of the archive.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="accept">Takes an entry.</param>
    /// <param name="wanted">The entries that are read; null for all.</param>
    /// <exception cref="DataFormatException">The archive is truncated, foreign or damaged.</exception>
    public static void Read(string path, Action<string, byte[]> accept, Predicate<string>? wanted = null) => Open(path, (archive, length) =>
    {
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (!entry.FullName.EndsWith('/') && wanted?.Invoke(entry.FullName) != false)
                accept(entry.FullName, ReadEntry(path, entry, length));
        }
        return true;
    });

    private static T Open<T>(string path, Func<ZipArchive, long, T> use)
    {
        using FileStream file = File.OpenRead(path);
        try
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Read);
            return use(archive, file.Length);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or NotSupportedException or ArgumentException
            or IOException or OverflowException)
        {
            throw new DataFormatException(path, $"is not a readable zip archive ({error.Message.TrimEnd('.')})", error);
        }
    }

    private static byte[] ReadEntry(string path, ZipArchiveEntry entry, long fileLength)
    {
        if (entry.CompressedLength < 0 || entry.CompressedLength > fileLength)
            throw new DataFormatException(path, $"the entry '{entry.FullName}' claims {entry.CompressedLength} packed bytes, but the archive has {fileLength}");
        if (entry.Length < 0 || entry.Length > Array.MaxLength || entry.Length > LargestExpansion * entry.CompressedLength + 64)
            throw new DataFormatException(path, $"the entry '{entry.FullName}' claims {entry.Length} bytes, more than can be read");
        var content = new byte[entry.Length];
        using Stream stream = entry.Open();
        int read = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        if (read < content.Length || stream.ReadByte() >= 0)
            throw new DataFormatException(path, $"the entry '{entry.FullName}' does not hold the {content.Length} bytes that it claims");
        if (Checksum(content) != entry.Crc32)
            throw new DataFormatException(path, $"the entry '{entry.FullName}' is damaged: its CRC-32 checksum is wrong");
        return content;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint state = uint.MaxValue;
        foreach (byte value in bytes)
            state = ChecksumTable[(byte)(state ^ value)] ^ (state >> 8);
        return ~state;
    }

    private static uint[] MakeChecksumTable()
    {
        var table = new uint[256];
        for (uint index = 0; index < 256; index++)
        {
            uint value = index;
            for (int bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
            table[index] = value;
        }
        return table;
    }
}
