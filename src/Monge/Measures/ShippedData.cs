using System.Globalization;
using System.IO.Compression;
using Monge.Data;

namespace Monge.Measures;

/// <summary>The data files that are part of the assembly; data/README.md says where each comes from.</summary>
internal static class ShippedData
{
    /// <summary>The lines of a file that aren't empty.</summary>
    public static string[] Lines(string path)
    {
        using var reader = new StreamReader(Open(path));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>The rows of a comma-separated file as dictionaries by the names of its head line.</summary>
    public static IEnumerable<Dictionary<string, string>> Table(string path)
    {
        var lines = Lines(path);
        var head = lines[0].Split(',');
        return lines.Skip(1).Select(line => head.Zip(line.Split(',')).ToDictionary(p => p.First, p => p.Second));
    }

    /// <summary>The numbers of a comma-separated file under its head line, row by row.</summary>
    public static double[][] Numbers(string path) => [.. Lines(path).Skip(1).Select(line => line.Split(',').Select(Parse).ToArray())];

    /// <summary>The columns of a comma-separated file by the names of its head line.</summary>
    public static ModelData Columns(string path)
    {
        var (names, rows) = (Lines(path)[0].Split(','), Numbers(path));
        return ModelData.FromTable(DataTable.From([.. rows.SelectMany(r => r)], names.Length, names, path));
    }

    /// <summary>The data of a model in a JSON object, which may lie alone in a .zip archive.</summary>
    public static ModelData Model(string path)
    {
        using var stream = Open(path);
        using var archive = path.EndsWith(".zip", StringComparison.Ordinal) ? new ZipArchive(stream) : null;
        using var content = archive?.Entries[0].Open() ?? stream;
        using var copy = new MemoryStream();
        content.CopyTo(copy);
        return ModelData.FromJson(path, copy.ToArray());
    }

    /// <summary>A number as data files write it.</summary>
    public static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static Stream Open(string path) => typeof(ShippedData).Assembly.GetManifestResourceStream(path)
        ?? throw new FileNotFoundException($"The data file '{path}' is missing from the assembly; build Monge again from a whole checkout.");
}
