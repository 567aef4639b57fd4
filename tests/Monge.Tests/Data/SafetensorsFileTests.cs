using System.Buffers.Binary;
using System.Text;
using Monge.Data;

namespace Monge.Tests.Data;

public sealed class SafetensorsFileTests
{
    private static byte[] Bytes(string header, params byte[] data)
    {
        var bytes = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)header.Length);
        Encoding.ASCII.GetBytes(header, bytes.AsSpan(8));
        data.CopyTo(bytes.AsSpan(8 + header.Length));
        return bytes;
    }

    [Fact]
    public void WrittenBytesMatchTheFormat()
    {
        using var scratch = new Scratch();
        SafetensorsFile.Write(
            scratch.File("m.safetensors"),
            [new("b", NumericArray.Create<byte>([7, 8], 2)), new("w", NumericArray.Create([1f, -2f], 1, 2))],
            [new("format", "monge")]);
        string header =
            "{\"__metadata__\":{\"format\":\"monge\"},"
            + "\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[8,10]}}";
        header = header.PadRight((header.Length + 7) / 8 * 8);
        Assert.Equal(Bytes(header, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 7, 8), File.ReadAllBytes(scratch.File("m.safetensors")));
    }

    [Fact]
    public void EveryTypeSurvivesARoundTrip()
    {
        using var scratch = new Scratch();
        string path = scratch.File("m.safetensors");
        SafetensorsFile.Write(path, new Dictionary<string, NumericArray>
        {
            ["flag"] = NumericArray.Create([true, false, true], 3),
            ["ünï \"q\""] = NumericArray.Create([1.5, double.NaN], 2, 1),
            ["empty"] = NumericArray.Create(Array.Empty<float>(), 0, 5),
            ["scalar"] = NumericArray.Create([long.MinValue]),
            ["short"] = NumericArray.Create<short>([-3, 4], 2),
            ["int"] = NumericArray.Create([int.MaxValue], 1),
        });
        SafetensorsFile read = SafetensorsFile.Read(path);
        Assert.Equal(6, read.Tensors.Count);
        Assert.Empty(read.Metadata);
        Assert.Equal([true, false, true], read.Tensors["flag"].Values<bool>());
        Assert.Equal([1.5, double.NaN], read.Tensors["ünï \"q\""].ToDoubles());
        Assert.Equal([0, 5], read.Tensors["empty"].Shape);
        Assert.Equal([long.MinValue], read.Tensors["scalar"].Values<long>());
        Assert.Equal(0, read.Tensors["scalar"].Shape.Length);
        Assert.Equal([-3.0, 4.0], read.Tensors["short"].ToDoubles());
        Assert.Equal([int.MaxValue], read.Tensors["int"].Values<int>());
        Assert.Throws<InvalidOperationException>(() => read.Tensors["int"].Values<float>().Length);
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Write(path, [new("__metadata__", NumericArray.Create([1.0], 1))]));
    }

    [Theory]
    [InlineData("BF16", 2, new byte[] { 0xC0, 0x3F, 0, 0xC0 }, 1.5, -2)]
    [InlineData("F16", 2, new byte[] { 0, 0x3E, 0, 0xC0 }, 1.5, -2)]
    [InlineData("I8", 1, new byte[] { 0xFE, 3 }, -2, 3)]
    [InlineData("U16", 2, new byte[] { 0xFF, 0xFF, 1, 0 }, 65535, 1)]
    [InlineData("U32", 4, new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0 }, 4294967295.0, 1)]
    [InlineData("U64", 8, new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 }, 2, 1)]
    public void OtherTypesAreReadExactly(string type, int width, byte[] data, double first, double second)
    {
        using var scratch = new Scratch();
        byte[] header = System.Text.Encoding.UTF8.GetBytes($"{{\"a\":{{\"dtype\":\"{type}\",\"shape\":[2],\"data_offsets\":[0,{2 * width}]}}}}");
        string path = scratch.With("a.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header, .. data]);
        Assert.Equal([first, second], SafetensorsFile.Read(path).Tensors["a"].ToDoubles());
    }

    [Theory]
    [InlineData(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "overlapping")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}", 3, "gap")]
    [InlineData(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "'a' twice")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "need 8")]
    [InlineData("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "'F8_E4M3'")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "-1")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "1.5")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4, "more elements")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]}}", 4, "begin and an end")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 5, "1 bytes too many")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "lacks the field 'data_offsets'")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}", 4, "'x'")]
    [InlineData("{\"a\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "truth value")]
    [InlineData("{\"a\":5}", 0, "not an object")]
    [InlineData("{\"__metadata__\":{\"k\":1}}", 0, "metadata 'k'")]
    [InlineData("[1]", 0, "'{'")]
    [InlineData("{\"a\":}", 0, "not JSON, near byte 13")]
    public void InconsistentHeadersAreRefused(string header, int dataLength, string expected)
    {
        using var scratch = new Scratch();
        var data = new byte[dataLength];
        Array.Fill(data, (byte)9);
        string path = scratch.With("m.safetensors", Bytes(header, data));
        DataFormatException error = Assert.Throws<DataFormatException>(() => SafetensorsFile.Read(path));
        Assert.Contains(expected, error.Message);
        Assert.StartsWith(path, error.Message);
    }

    [Fact]
    public void EveryTruncationAndAForeignFileIsRefused()
    {
        using var scratch = new Scratch();
        string path = scratch.File("m.safetensors");
        SafetensorsFile.Write(path, [new("w", NumericArray.Create([1f, -2f, 3f], 3))], [new("k", "v")]);
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length++)
            Assert.Contains(
                $"truncated at byte {length}", Assert.Throws<DataFormatException>(() => SafetensorsFile.Read(scratch.With("t", whole[..length]))).Message);
        Assert.Contains("not a safetensors", Assert.Throws<DataFormatException>(() => SafetensorsFile.Read(scratch.With("t", "a foreign text file"))).Message);
    }

    [Fact]
    public void AChangedByteIsReadOrRefusedButNeverCrashes()
    {
        using var scratch = new Scratch();
        string path = scratch.File("m.safetensors");
        SafetensorsFile.Write(path, [new("w", NumericArray.Create([1f, -2f], 2))]);
        byte[] whole = File.ReadAllBytes(path);
        for (int index = 0; index < whole.Length; index++)
        {
            foreach (byte value in new byte[] { 0, 0x20, 0x22, 0x30, 0x39, 0x5C, 0x7B, 0x80, 0xFF })
            {
                byte[] changed = [.. whole];
                changed[index] = value;
                Exception? error = Record.Exception(() => SafetensorsFile.Read(scratch.With("t", changed)));
                Assert.True(error is null or DataFormatException, $"byte {index} = {value}: {error}");
            }
        }
    }
}
