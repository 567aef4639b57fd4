using System.Text;
using CsCheck;
using Monge.Data;
using Monge.Testing;

namespace Monge.Tests.Data;

/// <summary>Readers on values they must give back to the bit, and on damaged files, which they may refuse only in words.</summary>
public sealed class ReaderPropertyTests
{
    private const int RoundTrips = 200;
    private const int DamagedFiles = 1500;

    // What is done to a file: a byte replaced, one put in, one taken out, the end cut off.
    private static readonly Gen<(int Kind, double Place, byte Value)[]> s_damages = Gen.Select(Gen.Int[0, 3], Gen.Double[0, 1], Gen.Byte).Array[1, 6];

    // Names with all that quoting is for; blanks around a name are not kept, so there are none.
    private static readonly Gen<string> s_names =
        Gen.OneOf(Gen.Char[' ', '~'], Gen.Int[0, 5].Select(k => "\",\né量\t"[k])).Array[1, 8].Select(symbols => $"n{new string(symbols)}n");

    [Fact]
    public void A_table_comes_back_as_it_was_written()
    {
        using var scratch = new Scratch();
        Smallest.Failure(
            Gen.Select(s_names.Array[1, 4], Gen.Double.Array[0, 12]),
            RoundTrips,
            table =>
            {
                string[] names = [.. table.Item1.Select((name, k) => $"{k}{name}")];
                var values = table.Item2[..(table.Item2.Length / names.Length * names.Length)];
                CsvTable.Write(scratch.File("a.csv"), names, values);
                var read = CsvTable.Read(scratch.File("a.csv"));
                Assert.Equal(names, read.Names);
                Assert.Equal(values, read.Values);
            },
            table => $"{string.Join(", ", table.Item1)}: {string.Join(", ", table.Item2)}");
    }

    [Fact]
    public void An_array_comes_back_as_it_was_written_from_both_formats()
    {
        using var scratch = new Scratch();
        Smallest.Failure(
            Gen.Select(Gen.Int[0, 4].Array[0, 3], Gen.Int[0, 5], Gen.Long.Array[64], s_names),
            RoundTrips,
            drawn =>
            {
                var array = Array(drawn.Item1, drawn.Item2, drawn.Item3);
                NumpyFile.Write(scratch.File("a.npy"), array);
                Same(array, NumpyFile.Read(scratch.File("a.npy")));
                SafetensorsFile.Write(scratch.File("a.safetensors"), [new(drawn.Item4, array), new("other", array)], [new(drawn.Item4, drawn.Item4)]);
                var read = SafetensorsFile.Read(scratch.File("a.safetensors"));
                Same(array, read.Tensors[drawn.Item4]);
                Assert.Equal(drawn.Item4, read.Metadata[drawn.Item4]);
            },
            drawn => $"shape ({string.Join(", ", drawn.Item1)}), type {drawn.Item2}, name {drawn.Item4}");
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("blanks")]
    [InlineData("npy")]
    [InlineData("npz")]
    [InlineData("safetensors")]
    public void A_damaged_file_is_read_or_refused_in_words(string format)
    {
        using var scratch = new Scratch();
        var whole = Whole(scratch, format);
        Smallest.Failure(
            s_damages, DamagedFiles, damages => Try(scratch, format, Damaged(whole, damages)), damages => Convert.ToBase64String(Damaged(whole, damages)));
        Smallest.Failure(Gen.Byte.Array[0, 64], DamagedFiles / 3, bytes => Try(scratch, format, bytes), Convert.ToBase64String);
    }

    private static void Try(Scratch scratch, string format, byte[] bytes)
    {
        var path = scratch.With($"damaged.{format}", bytes);
        try
        {
            _ = format switch
            {
                "csv" => CsvTable.Read(path, new CsvOptions { MissingAsNaN = true }),
                "blanks" => CsvTable.ReadWhitespaceSeparated(path, hasHeader: false),
                "npy" => NumpyFile.Read(path),
                "npz" => NumpyFile.ReadArchive(path),
                _ => (object)SafetensorsFile.Read(path),
            };
        }
        catch (DataFormatException error)
        {
            Assert.Contains(path, error.Message);
        }
    }

    private static byte[] Whole(Scratch scratch, string format)
    {
        var path = scratch.File($"whole.{format}");
        switch (format)
        {
            case "csv":
                CsvTable.Write(path, ["a", "b,\"c", "d\ne"], [1.5, -2e-300, double.NaN, 0, 7, double.PositiveInfinity]);
                break;
            case "blanks":
                return Encoding.UTF8.GetBytes("1.5 2e3\t-7\r\n  4 5 6\n");
            case "npy":
                NumpyFile.Write(path, [1.5, -2.25, 3, 0, 1e-300, 7], 2, 3);
                break;
            case "npz":
                return Convert.FromBase64String(NumpyFileTests.ArchiveByNumpy);
            default:
                SafetensorsFile.Write(
                    path, [new("a", NumericArray.Create([1.5, 2.5], 2)), new("b", NumericArray.Create([true, false, true], 3, 1))], [new("key", "välue")]);
                break;
        }

        return File.ReadAllBytes(path);
    }

    private static byte[] Damaged(byte[] whole, (int Kind, double Place, byte Value)[] damages)
    {
        var bytes = whole.ToList();
        foreach (var (kind, place, value) in damages)
        {
            var at = Math.Min((int)(place * bytes.Count), bytes.Count - 1);
            switch (kind)
            {
                case 0 when bytes.Count > 0:
                    bytes[at] = value;
                    break;
                case 1:
                    bytes.Insert(Math.Max(at, 0), value);
                    break;
                case 2 when bytes.Count > 0:
                    bytes.RemoveAt(at);
                    break;
                case 3 when bytes.Count > 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    private static NumericArray Array(int[] shape, int type, long[] bits)
    {
        var count = shape.Aggregate(1, (product, size) => product * size);
        var values = bits.AsSpan(0, count).ToArray();
        return type switch
        {
            0 => NumericArray.Create(System.Array.ConvertAll(values, BitConverter.Int64BitsToDouble), shape),
            1 => NumericArray.Create(System.Array.ConvertAll(values, v => BitConverter.Int32BitsToSingle((int)v)), shape),
            2 => NumericArray.Create(values, shape),
            3 => NumericArray.Create(System.Array.ConvertAll(values, v => (int)v), shape),
            4 => NumericArray.Create(System.Array.ConvertAll(values, v => (byte)v), shape),
            _ => NumericArray.Create(System.Array.ConvertAll(values, v => v % 2 == 0), shape),
        };
    }

    private static void Same(NumericArray expected, NumericArray actual)
    {
        Assert.Equal(expected.ElementType, actual.ElementType);
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.Equal(expected.ToDoubles(), actual.ToDoubles());
    }
}
