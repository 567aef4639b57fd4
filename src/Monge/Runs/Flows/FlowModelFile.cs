using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>
/// A model as one safetensors file: a tensor for each block of the networks, the standardisation, the ends' moments, a mixture base, and the
/// configuration as JSON in the metadata. Its bytes depend on data, method, options, seed and version only.
/// </summary>
internal static class FlowModelFile
{
    private const string Kind = "monge flow model";

    // The method of files that name none, from when there was one.
    private const string FirstMethod = "interpolant";
    private const string ScalesName = "standardisation.scales";
    private const string FactorName = "standardisation.factor";
    private const string CurvesName = "standardisation.curves";
    private const string TypesName = "types";
    private const string DiscreteName = "discrete";
    private static readonly string[] s_other = ["standardisation.", "moments.", "base.", "discrete."];

    public static void Write(string path, FlowModel model)
    {
        var (ends, report) = (model.Ends, model.Report);
        SafetensorsFile.Write(
            path,
            [
                .. Blocks(model.Parameters, model.ParameterValues),
                new("standardisation.mean", NumericArray.Create(ends.Standardisation.Mean.ToArray(), ends.Dimension)),
                Scales(ends.Standardisation),
                .. Curves(ends.Standardisation),
                .. ends.Moments is null ? [] : Moments(ends.Moments),
                .. ends.Base.Mixture is null ? [] : Mixture(ends.Base.Mixture.Law),
                .. model.Table is null ? [] : Blocks(model.Table.Discrete.Parameters, model.Table.Discrete.Values),
            ],
            [
                new("kind", Kind),
                new("version", RunIdentity.Version),
                new("method", model.Method),
                new("options", MethodOptions.Format(model.Options)),
                new("columns", MethodOptions.Format(ends.Columns)),
                new("conditions", MethodOptions.Format(ends.Conditions)),
                new("base", ends.Base.IsGaussian ? "gaussian" : ends.Base.Mixture is null ? "data" : "mixture"),
                new("report", MethodOptions.Format(new ReportText(
                    report.Source, report.Rows, report.ValidationRows, report.Iterations, report.BestIteration,
                    double.IsFinite(report.ValidationLoss) ? report.ValidationLoss : null, report.Seed))),
                .. model.Table is not { } table ? [] : new KeyValuePair<string, string>[]
                {
                    new(TypesName, MethodOptions.Format(table.Types.All)), new(DiscreteName, MethodOptions.Format(table.Discrete.Choices)),
                },
            ]);
    }

    public static FlowModel Read(string path, IEnumerable<IMethodEntry> methods)
    {
        var file = SafetensorsFile.Read(path);
        string Text(string name) => file.Metadata.TryGetValue(name, out var text) ? text
            : throw new DataFormatException(path, $"is not a flow model: its metadata lack '{name}'");
        if (Text("kind") != Kind)
        {
            throw new DataFormatException(path, $"holds a '{Text("kind")}', not a flow model; "
                + (file.Metadata.ContainsKey(EvolutionModel.FormName)
                    ? "`monge generate` and `monge density` read an evolution"
                : Text("kind") == "monge network model" ? "`monge predict` reads trained networks" : "`monge draw` draws from a sampler's run"));
        }

        var method = file.Metadata.GetValueOrDefault("method", FirstMethod);
        var entry = methods.FirstOrDefault(m => m.Facts.Kind == MethodKind.Fit && m.Facts.Name == method)
            ?? throw new DataFormatException(path, $"was fitted by the method '{method}', which is not known here; add it to the registry of methods first");
        try
        {
            var options = entry.ParseOptions(Text("options")) as IFlowOptions
                ?? throw new ArgumentException($"the options of the method '{method}' make no fields (they are no {nameof(IFlowOptions)})");
            var ends = Ends(path, file, Text);
            var parameters = new ParameterSet();
            options.NewFields(ends, parameters, new ParameterInitializer());
            var report = MethodOptions.Parse<ReportText>(Text("report"));
            return new FlowModel(
                method,
                options,
                ends,
                new FitReport(
                    report.Source, report.Rows, report.ValidationRows, report.Iterations, report.BestIteration,
                    report.ValidationLoss ?? double.NaN, report.Seed),
                Values(path, file, parameters, null))
            {
                Table = Table(path, file),
            };
        }
        catch (ArgumentException error)
        {
            throw new DataFormatException(path, $"has a configuration that can't be used: {error.Message}", error);
        }
    }

    private static IEnumerable<KeyValuePair<string, NumericArray>> Blocks(ParameterSet parameters, NdArray<float> values)
    {
        foreach (var block in parameters.Blocks)
        {
            yield return new(block.Name, NumericArray.Create(values.Span.Slice(block.Offset, block.Shape.Size).ToArray(), block.Shape.Sizes));
        }
    }

    private static TableLaw? Table(string path, SafetensorsFile file)
    {
        if (!file.Metadata.TryGetValue(TypesName, out var text))
        {
            return null;
        }

        var types = new ColumnTypes(MethodOptions.Parse<ColumnType[]>(text));
        var choices = MethodOptions.Parse<DiscreteChoice[]>(file.Metadata.GetValueOrDefault(DiscreteName, "[]"));
        var parameters = DiscreteNetworks.Declare(types, choices).Parameters;
        return new TableLaw(types, new DiscreteLaw(types, choices, Values(path, file, parameters, "discrete.")));
    }

    // All tensors, or those whose names begin in one way, are parameters.
    private static NdArray<float> Values(string path, SafetensorsFile file, ParameterSet parameters, string? prefix)
    {
        var values = new NdArray<float>(parameters.Count);
        List<string> differences = [];
        foreach (var block in parameters.Blocks)
        {
            var wanted = $"[{string.Join(", ", block.Shape.Sizes.ToArray())}]";
            if (!file.Tensors.TryGetValue(block.Name, out var tensor))
            {
                differences.Add($"'{block.Name}' {wanted} is missing");
            }
            else if (!tensor.Shape.SequenceEqual(block.Shape.Sizes))
            {
                differences.Add($"'{block.Name}' is [{string.Join(", ", tensor.Shape.ToArray())}] instead of {wanted}");
            }
            else if (tensor.ElementType != ElementType.Float32)
            {
                differences.Add($"'{block.Name}' holds {tensor.ElementType} instead of Float32");
            }
            else
            {
                tensor.Values<float>().CopyTo(values.Span.Slice(block.Offset, block.Shape.Size));
            }
        }

        var known = parameters.Blocks.Select(b => b.Name).ToHashSet();
        bool IsOther(string name) =>
            prefix is null ? s_other.Any(o => name.StartsWith(o, StringComparison.Ordinal)) : !name.StartsWith(prefix, StringComparison.Ordinal);
        differences.AddRange(file.Tensors.Keys.Where(n => !known.Contains(n) && !IsOther(n))
            .Select(n => $"'{n}' is not part of the model"));
        if (differences.Count > 0)
        {
            var more = differences.Count > 5 ? $"; and {differences.Count - 5} more" : "";
            throw new DataFormatException(path, $"differs from its own configuration: {string.Join("; ", differences.Take(5))}{more}");
        }

        foreach (var value in values.Span)
        {
            if (!float.IsFinite(value))
            {
                throw new DataFormatException(path, "has parameters that are not finite");
            }
        }

        return values;
    }

    private static KeyValuePair<string, NumericArray> Scales(Standardisation standardisation)
    {
        var d = standardisation.Dimension;
        return standardisation.IsDiagonal ? new(ScalesName, NumericArray.Create(standardisation.Scales.ToArray(), d))
            : new(FactorName, NumericArray.Create(standardisation.Factor.ToArray(), d, d));
    }

    // One row a column: 0 for none, 1 for logarithms, 2 for inverse hyperbolic sines, then centre and scale.
    private static KeyValuePair<string, NumericArray>[] Curves(Standardisation standardisation) => standardisation.Transforms.Count == 0 ? []
        : [new(CurvesName, NumericArray.Create(
            standardisation.Transforms.SelectMany(t => t is null ? [0, 0, 1] : new double[] { 1 + (int)t.Curve, t.Centre, t.Scale }).ToArray(),
            standardisation.Dimension, 3))];

    private static IEnumerable<KeyValuePair<string, NumericArray>> Moments(EndMoments moments)
    {
        yield return new("moments.baseMean", NumericArray.Create([.. moments.BaseMean], moments.BaseMean.Count));
        yield return new("moments.dataMean", NumericArray.Create([.. moments.DataMean], moments.DataMean.Count));
        yield return new("moments.second", NumericArray.Create(new[] { moments.BaseVariance, moments.DataVariance, moments.Covariance }, 3));
    }

    private static IEnumerable<KeyValuePair<string, NumericArray>> Mixture(GaussianMixtureFit law)
    {
        var (k, d) = (law.Components, law.Dimension);
        yield return new("base.weights", NumericArray.Create([.. law.Weights], k));
        yield return new("base.means", NumericArray.Create(law.Means.SelectMany(m => m).ToArray(), k, d));
        yield return new("base.factors", NumericArray.Create(law.Factors.SelectMany(f => f).ToArray(), k, d, d));
    }

    private static FlowEnds Ends(string path, SafetensorsFile file, Func<string, string> text)
    {
        double[] Numbers(string name, int count) => file.Tensors.TryGetValue(name, out var tensor) && tensor.Length == count ? tensor.ToDoubles()
            : throw new DataFormatException(path, $"lacks the array '{name}' of {count} numbers");
        EndMoments ReadMoments(int d)
        {
            var second = Numbers("moments.second", 3);
            return new EndMoments(Numbers("moments.baseMean", d), second[0], Numbers("moments.dataMean", d), second[1], second[2]);
        }

        MixtureBase ReadMixture(int d)
        {
            var k = file.Tensors.TryGetValue("base.weights", out var tensor) ? Math.Max(1, tensor.Length) : 1;
            var (weights, means, factors) = (Numbers("base.weights", k), Numbers("base.means", k * d), Numbers("base.factors", k * d * d));
            return weights.Min() > 0 && Enumerable.Range(0, k * d).All(i => factors[(i / d * d * d) + (i % d * (d + 1))] > 0)
                ? new MixtureBase(new GaussianMixtureFit(weights, [.. means.Chunk(d)], [.. factors.Chunk(d * d)], $"mixture of {k} Gaussians"))
                : throw new DataFormatException(path, "has a base with weights or deviations that are not positive");
        }

        var columns = MethodOptions.Parse<string[]>(text("columns"));
        var d = columns.Length;
        var start = text("base") switch
        {
            "gaussian" => FlowBase.Gaussian,
            "mixture" => FlowBase.Of(ReadMixture(d)),
            _ => FlowBase.Rows,
        };
        // Files of the time before scales had a name hold the matrix in any case.
        var scales = file.Tensors.ContainsKey(ScalesName) ? Numbers(ScalesName, d) : Numbers(FactorName, d * d);
        var curves = file.Tensors.ContainsKey(CurvesName) ? Numbers(CurvesName, 3 * d) : [];
        if (curves.Chunk(3).Any(c => c[0] is not (0 or 1 or 2) || !double.IsFinite(c[1]) || !(c[2] > 0) || !double.IsFinite(c[2])))
        {
            throw new DataFormatException(path, "has curves of columns that are unknown, or without positive scales");
        }

        ColumnTransform?[] transforms = [.. curves.Chunk(3).Select(c => c[0] == 0 ? null : new ColumnTransform((ColumnCurve)(c[0] - 1), c[1], c[2]))];
        return new FlowEnds(columns, new Standardisation(Numbers("standardisation.mean", d), scales) { Transforms = transforms }, start)
        {
            Conditions = MethodOptions.Parse<Condition[]>(text("conditions")),
            Moments = file.Tensors.ContainsKey("moments.second") ? ReadMoments(d) : null,
            Presence = file.Metadata.TryGetValue(TypesName, out var types) ? TypedRows.Presence(new ColumnTypes(MethodOptions.Parse<ColumnType[]>(types))) : [],
        };
    }

    private sealed record ReportText(string Source, int Rows, int ValidationRows, long Iterations, long BestIteration, double? ValidationLoss, ulong Seed);
}
