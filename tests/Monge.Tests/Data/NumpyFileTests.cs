using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Monge.Data;

namespace Monge.Tests.Data;

public sealed class NumpyFileTests
{
    // Written once by NumPy 1.24: np.save of [[1.5, -2.25, 3], [0, 1e-300, 7]].
    private const string FloatsByNumpy =
        "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
        + "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAD4PwAAAAAAAALAAAAAAAAACEAAAAAAAAAAAFnz+MIfbqUBAAAAAAAAHEA=";

    // arange(24).reshape(2, 3, 4) as big-endian i4 in Fortran order.
    private const string FortranByNumpy =
        "k05VTVBZAQB2AHsnZGVzY3InOiAnPmk0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgIC"
        + "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAADAAAAAQAAAAQAAAACAAAABQAAAABAAAADQAAAAUAAAARAAAACQAAABUAAAACAAAADgAAAAYAAAASAAAA"
        + "CgAAABYAAAADAAAADwAAAAcAAAATAAAACwAAABc=";

    // savez_compressed(a=arange(3.0), b=[[1, 2]] as i2).
    internal const string ArchiveByNumpy =
        "UEsDBBQAAAAIAAAAIQAkIeErTAAAAJgAAAAFABQAYS5ucHkBABAAmAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqGuo6Cell9UUpSYF59flJIKEn"
        + "dLzClOBYoXZyQWpAL5GsY6mjoKtQoUAC4GFPDBHspwAABQSwMEFAAAAAgAAAAhAC+6urBKAAAAhAAAAAUAFABiLm5weQEAEACEAAAAAAAAAEoAAAAAAAAAm+wX6hsQychQ"
        + "xlCtnpJanFykbqWgbpNppK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkahjoKRpo6CrUKZAMuRgYmBgBQSwECFAMUAAAACAAAACEAJCHhK0wAAACYAAAABQAAAA"
        + "AAAAAAAAAAgAEAAAAAYS5ucHlQSwECFAMUAAAACAAAACEAL7q6sEoAAACEAAAABQAAAAAAAAAAAAAAgAGDAAAAYi5ucHlQSwUGAAAAAAIAAgBmAAAABAEAAAAA";

    private static byte[] Bytes(int version, string header, params byte[] data)
    {
        byte[] start = [0x93, .. "NUMPY"u8, (byte)version, 0];
        var length = new byte[version == 1 ? 2 : 4];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)header.Length);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)header.Length);
        return [.. start, .. length, .. Encoding.Latin1.GetBytes(header), .. data];
    }

    private static string Header(string descriptor, string shape, string order = "False") =>
        $"{{'descr': '{descriptor}', 'fortran_order': {order}, 'shape': {shape}, }}\n";

    [Fact]
    public void WrittenBytesAreThoseOfNumpy()
    {
        using var scratch = new Scratch();
        NumpyFile.Write(scratch.File("a.npy"), [1.5, -2.25, 3, 0, 1e-300, 7], 2, 3);
        Assert.Equal(Convert.FromBase64String(FloatsByNumpy), File.ReadAllBytes(scratch.File("a.npy")));
    }

    [Fact]
    public void BigEndianFortranOrderBecomesRowMajor()
    {
        using var scratch = new Scratch();
        NumericArray array = NumpyFile.Read(scratch.With("a.npy", Convert.FromBase64String(FortranByNumpy)));
        Assert.Equal([2, 3, 4], array.Shape);
        Assert.Equal(Enumerable.Range(0, 24), array.Values<int>().ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AllVersionsAndTypesAreRead(int version)
    {
        using var scratch = new Scratch();
        double[] Read(string descriptor, string shape, params byte[] data) =>
            NumpyFile.Read(scratch.With("a.npy", Bytes(version, Header(descriptor, shape), data))).ToDoubles();
        Assert.Equal([1.5, -2], Read("<f4", "(2,)", 0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0));
        Assert.Equal([1.5], Read(">f4", "(1, 1)", 0x3F, 0xC0, 0, 0));
        Assert.Equal([1.0], Read(">f8", "()", 0x3F, 0xF0, 0, 0, 0, 0, 0, 0));
        Assert.Equal([-2.0], Read("<i8", "(1L,)", 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF));
        Assert.Equal([258.0], Read(">i2", "(1,)", 1, 2));
        Assert.Equal([200.0], Read("|u1", "(1,)", 200));
        Assert.Equal([1.0, 0.0], Read("|b1", "(2,)", 1, 0));
        Assert.Equal([1.5, -2], Read("<f2", "(2,)", 0, 0x3E, 0, 0xC0));
        Assert.Equal([1.5], Read(">f2", "(1,)", 0x3E, 0));
        Assert.Equal([-2.0], Read("|i1", "(1,)", 0xFE));
        Assert.Equal([65535.0, 1], Read("<u2", "(2,)", 0xFF, 0xFF, 1, 0));
        Assert.Equal([258.0], Read(">u2", "(1,)", 1, 2));
        Assert.Equal([4294967295.0], Read("<u4", "(1,)", 0xFF, 0xFF, 0xFF, 0xFF));
        Assert.Equal([1.0, Math.Pow(2, 63)], Read(">u8", "(2,)", 0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0));
        Assert.Empty(Read("<f8", "(0, 3)"));
    }

    [Fact]
    public void ArchivesOfNumpyAreReadInOrder()
    {
        using var scratch = new Scratch();
        IReadOnlyDictionary<string, NumericArray> arrays = NumpyFile.ReadArchive(scratch.With("a.npz", Convert.FromBase64String(ArchiveByNumpy)));
        Assert.Equal(["a", "b"], arrays.Keys);
        Assert.Equal([0.0, 1.0, 2.0], arrays["a"].ToDoubles());
        Assert.Equal([1, 2], arrays["b"].Shape);
        Assert.Equal(ElementType.Int16, arrays["b"].ElementType);
    }

    [Theory]
    [InlineData("<f2", 2)]
    [InlineData("|i1", 1)]
    [InlineData(">u2", 2)]
    [InlineData("<u4", 4)]
    [InlineData("<u8", 8)]
    public void FortranOrderIsPutIntoRowsForAllTypes(string descriptor, int width)
    {
        using var scratch = new Scratch();
        byte[] data = new byte[6 * width];
        for (int i = 0; i < 6; i++)
            data[descriptor[0] == '>' ? (i + 1) * width - 1 : i * width] = (byte)i;
        string header = Header(descriptor, "(2, 3)").Replace("False", "True ", StringComparison.Ordinal);
        double unit = descriptor == "<f2" ? Math.Pow(2, -24) : 1;
        Assert.Equal([0, 2 * unit, 4 * unit, unit, 3 * unit, 5 * unit], NumpyFile.Read(scratch.With("a.npy", Bytes(1, header, data))).ToDoubles());
    }

    [Fact]
    public void AnEntryIsReadWhateverStandsBesideIt()
    {
        using var scratch = new Scratch();
        string path = scratch.File("a.npz");
        using (var archive = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            void Add(string name, byte[] content)
            {
                using Stream stream = archive.CreateEntry(name).Open();
                stream.Write(content);
            }
            Add("names.npy", Bytes(1, Header("<U1", "(2,)"), [.. new byte[8]]));
            Add("X.npy", Bytes(1, Header("<f8", "(1, 2)"), [.. BitConverter.GetBytes(1.5), .. BitConverter.GetBytes(-2.0)]));
            Add("notes.txt", [65]);
        }
        Assert.Equal(["names", "X"], NumpyFile.ArrayNames(path));
        Assert.Equal([1.5, -2], DataTable.Read(path + ":X").Values);
        Assert.Contains("'<U1'", Assert.Throws<DataFormatException>(() => DataTable.Read(path + ":names")).Message);
        Assert.Contains("it has names, X", Assert.Throws<DataFormatException>(() => DataTable.Read(path + ":Y")).Message);
        Assert.Contains("choose one by its name", Assert.Throws<DataFormatException>(() => DataTable.Read(path)).Message);
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        using var scratch = new Scratch();
        byte[] whole = Convert.FromBase64String(FloatsByNumpy);
        for (int length = 0; length < whole.Length; length++)
            Assert.Contains(
                $"truncated at byte {length}", Assert.Throws<DataFormatException>(() => NumpyFile.Read(scratch.With("t.npy", whole[..length]))).Message);
        whole = Convert.FromBase64String(ArchiveByNumpy);
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<DataFormatException>(() => NumpyFile.ReadArchive(scratch.With("t.npz", whole[..length])));
    }

    [Fact]
    public void AChangedByteIsReadOrRefusedButNeverCrashes()
    {
        using var scratch = new Scratch();
        foreach ((string content, bool archive) in new[] { (FloatsByNumpy, false), (ArchiveByNumpy, true) })
        {
            byte[] whole = Convert.FromBase64String(content);
            for (int index = 0; index < whole.Length; index++)
            {
                foreach (byte value in new byte[] { 0, 0x27, 0x28, 0x30, 0x39, 0x7F, 0xFF })
                {
                    byte[] changed = [.. whole];
                    changed[index] = value;
                    string path = scratch.With("t", changed);
                    Exception? error = Record.Exception(() =>
                    {
                        if (archive)
                            NumpyFile.ReadArchive(path);
                        else
                            NumpyFile.Read(path);
                    });
                    Assert.True(error is null or DataFormatException, $"byte {index} = {value}: {error}");
                }
            }
        }
    }

    [Fact]
    public void DamagedDataInAnArchiveFailsTheChecksum()
    {
        using var scratch = new Scratch();
        byte[] whole = Convert.FromBase64String(ArchiveByNumpy);
        // The stored checksum of the first entry, in the central directory.
        int central = whole.AsSpan().IndexOf("PK\u0001\u0002"u8);
        whole[central + 16] ^= 1;
        Assert.Throws<DataFormatException>(() => NumpyFile.ReadArchive(scratch.With("t.npz", whole)));
    }

    [Theory]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } x", "the end of the header")]
    [InlineData("{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,), }", "True or False")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", "size of an axis")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, }", "lacks the header field 'shape'")]
    [InlineData("{'descr': '<f8', 'descr': '<f8', }", "'descr' twice")]
    [InlineData("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", "structured type")]
    [InlineData("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", "'<c16'")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "'|O'")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "more elements than")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "truncated")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "4 bytes too many")]
    [InlineData("{'color': '<f4'}", "'color'")]
    public void ForeignHeadersAreRefusedByField(string header, string expected)
    {
        using var scratch = new Scratch();
        string path = scratch.With("a.npy", Bytes(1, header, new byte[8]));
        DataFormatException error = Assert.Throws<DataFormatException>(() => NumpyFile.Read(path));
        Assert.Contains(expected, error.Message);
        Assert.StartsWith(path, error.Message);
    }

    [Fact]
    public void ForeignVersionsAndOversizeHeadersAreRefused()
    {
        using var scratch = new Scratch();
        Assert.Contains("version 9.0", Assert.Throws<DataFormatException>(() => NumpyFile.Read(scratch.With("a", Bytes(9, Header("<f8", "()"))))).Message);
        byte[] huge = Bytes(2, Header("<f8", "()"), new byte[8]);
        BinaryPrimitives.WriteUInt32LittleEndian(huge.AsSpan(8), uint.MaxValue);
        Assert.Contains("4294967295 bytes", Assert.Throws<DataFormatException>(() => NumpyFile.Read(scratch.With("a", huge))).Message);
        Assert.Contains("not a NumPy array", Assert.Throws<DataFormatException>(() => NumpyFile.Read(scratch.With("a", "hello, world"))).Message);
        Assert.Contains("truth value", Assert.Throws<DataFormatException>(() => NumpyFile.Read(scratch.With("a", Bytes(1, Header("|b1", "(1,)"), 2)))).Message);
    }

    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.Float64)]
    public void RowsAreStreamedAndAppearOnCommit(ElementType type)
    {
        using var scratch = new Scratch();
        string path = scratch.File("a.npy");
        var random = new Random(3);
        double[] expected = [.. Enumerable.Range(0, 3 * 100_000).Select(_ => (double)(float)random.NextDouble())];
        using (NumpyWriter writer = NumpyFile.CreateWriter(path, type, 3))
        {
            writer.Append(expected.AsSpan(0, 3));
            writer.Append(expected.AsSpan(3));
            Assert.Throws<ArgumentException>(() => writer.Append([1.0]));
            Assert.False(File.Exists(path));
            writer.Commit();
        }
        NumericArray array = NumpyFile.Read(path);
        Assert.Equal([100_000, 3], array.Shape);
        Assert.Equal(expected, array.ToDoubles());
        using (NumpyWriter writer = NumpyFile.CreateWriter(path, type, 3))
            writer.Append([1, 2, 3]);
        Assert.Equal(100_000, NumpyFile.Read(path).Shape[0]);
        Assert.Single(Directory.GetFiles(scratch.Directory));
    }
}
