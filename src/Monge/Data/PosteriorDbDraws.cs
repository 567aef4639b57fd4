using System.Text.Json;

namespace Monge.Data;

/// <summary>Reference draws of a posterior as posteriordb publishes them: a list of chains, each an object of parameter name to numbers.</summary>
/// <remarks>Source: posteriordb, the database of posterior distributions of the Stan developers (arXiv 2407.04967).</remarks>
public sealed class PosteriorDbDraws
{
    private PosteriorDbDraws(string[] names, int chains, int drawsPerChain, double[] values)
    {
        Names = names;
        Chains = chains;
        DrawsPerChain = drawsPerChain;
        Values = values;
    }

    /// <summary>The d parameter names in the order of the file, such as theta[1].</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Number of chains.</summary>
    public int Chains { get; }

    /// <summary>Number of draws of each chain.</summary>
    public int DrawsPerChain { get; }

    /// <summary>All draws, [Chains * DrawsPerChain, d] row-major, one chain after the other.</summary>
    public double[] Values { get; }

    /// <summary>The draws of one parameter, [Chains][DrawsPerChain], as the convergence diagnostics take them.</summary>
    /// <param name="name">A name in <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no parameter of that name.</exception>
    public double[][] Parameter(string name)
    {
        int column = ((IList<string>)Names).IndexOf(name);
        if (column < 0)
            throw new ArgumentException($"The draws have no parameter '{name}'; they have {string.Join(", ", Names)}.", nameof(name));
        var chains = new double[Chains][];
        for (int chain = 0; chain < Chains; chain++)
        {
            chains[chain] = new double[DrawsPerChain];
            for (int draw = 0; draw < DrawsPerChain; draw++)
                chains[chain][draw] = Values[(chain * DrawsPerChain + draw) * Names.Count + column];
        }
        return chains;
    }

    /// <summary>Reads a .json file, or the only .json inside a .zip.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">The file is not a list of chains with the same parameters and lengths; the message names
    /// the chain and the parameter.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static PosteriorDbDraws Read(string path)
    {
        byte[]? content = null;
        if (!path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            content = File.ReadAllBytes(path);
        }
        else
        {
            ZipContents.Read(path, (entry, bytes) =>
            {
                if (!entry.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
                    return;
                content = content is null ? bytes : throw new DataFormatException(path, $"has more than one .json entry; '{entry}' is the second");
            });
        }
        if (content is null)
            throw new DataFormatException(path, "has no .json entry");
        try
        {
            using JsonDocument json = JsonDocument.Parse(content);
            return Parse(json.RootElement, path);
        }
        catch (JsonException error)
        {
            throw new DataFormatException(
                path, $"is not JSON: line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1} of the line can't be read", error);
        }
        catch (InvalidOperationException error)
        {
            // A JSON text that is not valid Unicode shows only when it is read.
            throw new DataFormatException(path, "has a parameter name that is not valid Unicode", error);
        }
    }

    private static PosteriorDbDraws Parse(JsonElement root, string path)
    {
        if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() == 0)
            throw new DataFormatException(path, "does not hold a list of chains at line 1");
        string[]? names = null;
        int draws = -1;
        var values = Array.Empty<double>();
        int chains = root.GetArrayLength();
        int chain = 0;
        foreach (JsonElement element in root.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Object)
                throw new DataFormatException(path, $"chain {chain + 1} is not an object of parameters");
            names ??= ReadNames(element, path);
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (JsonProperty parameter in element.EnumerateObject())
            {
                int column = Array.IndexOf(names, parameter.Name);
                if (column < 0 || !seen.Add(parameter.Name))
                    throw new DataFormatException(
                        path, $"chain {chain + 1} has the parameter '{parameter.Name}' {(column < 0 ? "that chain 1 lacks" : "twice")}");
                if (parameter.Value.ValueKind != JsonValueKind.Array)
                    throw new DataFormatException(path, $"chain {chain + 1}, parameter '{parameter.Name}' is not a list of numbers");
                int length = parameter.Value.GetArrayLength();
                if (draws < 0)
                {
                    draws = length;
                    values = new double[checked(chains * draws * names.Length)];
                }
                if (length != draws)
                    throw new DataFormatException(
                        path, $"chain {chain + 1}, parameter '{parameter.Name}' has {length} draws, but the first parameter of chain 1 has {draws}");
                ReadNumbers(parameter, values.AsSpan(chain * draws * names.Length + column), names.Length, $"chain {chain + 1}", path);
            }
            if (seen.Count != names.Length)
                throw new DataFormatException(path, $"chain {chain + 1} lacks the parameter '{names.First(name => !seen.Contains(name))}'");
            chain++;
        }
        return new PosteriorDbDraws(names!, chains, draws, values);
    }

    private static string[] ReadNames(JsonElement chain, string path)
    {
        string[] names = [.. chain.EnumerateObject().Select(static parameter => parameter.Name)];
        return names.Length > 0 ? names : throw new DataFormatException(path, "chain 1 has no parameters");
    }

    private static void ReadNumbers(JsonProperty parameter, Span<double> target, int stride, string chain, string path)
    {
        int draw = 0;
        foreach (JsonElement item in parameter.Value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetDouble(out double value) || !double.IsFinite(value))
                throw new DataFormatException(path, $"{chain}, parameter '{parameter.Name}', draw {draw + 1} is not a finite number");
            target[draw++ * stride] = value;
        }
    }
}
