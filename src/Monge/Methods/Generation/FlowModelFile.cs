using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Runs;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>
/// A model as one safetensors file: a tensor for each block of the networks, the standardisation, the ends' moments, and the configuration as JSON in the
/// metadata. Its bytes depend on data, options, seed and version only.
/// </summary>
internal static class FlowModelFile
{
    private const string Kind = "monge flow model";
    private static readonly string[] s_other = ["standardisation.", "moments.", "base."];

    public static void Write(string path, FlowModel model)
    {
        var d = model.Description;
        List<KeyValuePair<string, NumericArray>> tensors =
        [
            .. Parameters(model),
            new("standardisation.mean", NumericArray.Create(d.Standardisation.Mean.ToArray(), model.Dimension)),
            new("standardisation.factor", NumericArray.Create(d.Standardisation.Factor.ToArray(), model.Dimension, model.Dimension)),
            new("moments.baseMean", NumericArray.Create([.. d.Moments.BaseMean], model.Dimension)),
            new("moments.dataMean", NumericArray.Create([.. d.Moments.DataMean], model.Dimension)),
            new("moments.second", NumericArray.Create(new[] { d.Moments.BaseVariance, d.Moments.DataVariance, d.Moments.Covariance }, 3)),
            .. d.Mixture is null ? [] : Mixture(d.Mixture.Law),
        ];
        SafetensorsFile.Write(path, tensors,
        [
            new("kind", Kind),
            new("version", RunIdentity.Version),
            new("options", MethodOptions.Format(d.Options)),
            new("form", MethodOptions.Format(new FormText(d.Form))),
            new("columns", MethodOptions.Format(d.Columns)),
            new("conditions", MethodOptions.Format(d.Conditions)),
            new("base", d.HasGaussianBase ? "gaussian" : d.Mixture is null ? "data" : "mixture"),
            new("report", MethodOptions.Format(new ReportText(
                d.Report.Source, d.Report.Rows, d.Report.ValidationRows, d.Report.Iterations, d.Report.BestIteration,
                double.IsFinite(d.Report.ValidationLoss) ? d.Report.ValidationLoss : null, d.Report.Seed))),
        ]);
    }

    public static FlowModel Read(string path)
    {
        var file = SafetensorsFile.Read(path);
        var description = Description(path, file);
        var parameters = new ParameterSet();
        try
        {
            description.NewFields(parameters);
        }
        catch (ArgumentException error)
        {
            throw new DataFormatException(path, $"has a configuration that can't be used: {error.Message}", error);
        }

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
        differences.AddRange(file.Tensors.Keys.Where(n => !known.Contains(n) && !s_other.Any(o => n.StartsWith(o, StringComparison.Ordinal)))
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

        return new FlowModel(description, values);
    }

    /// <summary>The networks' parameters as tensors.</summary>
    internal static IEnumerable<KeyValuePair<string, NumericArray>> Parameters(FlowModel model)
    {
        foreach (var block in model.Parameters.Blocks)
        {
            yield return new(block.Name, NumericArray.Create(model.ParameterValues.Span.Slice(block.Offset, block.Shape.Size).ToArray(), block.Shape.Sizes));
        }
    }

    private static IEnumerable<KeyValuePair<string, NumericArray>> Mixture(GaussianMixtureFit law)
    {
        var (k, d) = (law.Components, law.Dimension);
        yield return new("base.weights", NumericArray.Create([.. law.Weights], k));
        yield return new("base.means", NumericArray.Create(law.Means.SelectMany(m => m).ToArray(), k, d));
        yield return new("base.factors", NumericArray.Create(law.Factors.SelectMany(f => f).ToArray(), k, d, d));
    }

    private static FlowDescription Description(string path, SafetensorsFile file)
    {
        string Text(string name) => file.Metadata.TryGetValue(name, out var text) ? text
            : throw new DataFormatException(path, $"is not a flow model: its metadata lack '{name}'");
        double[] Numbers(string name, int count) => file.Tensors.TryGetValue(name, out var tensor) && tensor.Length == count ? tensor.ToDoubles()
            : throw new DataFormatException(path, $"lacks the array '{name}' of {count} numbers");
        MixtureBase ReadMixture(int d)
        {
            var k = file.Tensors.TryGetValue("base.weights", out var tensor) ? Math.Max(1, tensor.Length) : 1;
            var (weights, means, factors) = (Numbers("base.weights", k), Numbers("base.means", k * d), Numbers("base.factors", k * d * d));
            return weights.Min() > 0 && Enumerable.Range(0, k * d).All(i => factors[(i / d * d * d) + (i % d * (d + 1))] > 0)
                ? new MixtureBase(new GaussianMixtureFit(weights, [.. means.Chunk(d)], [.. factors.Chunk(d * d)], $"mixture of {k} Gaussians"))
                : throw new DataFormatException(path, "has a base with weights or deviations that are not positive");
        }

        if (Text("kind") != Kind)
        {
            throw new DataFormatException(path, $"holds a '{Text("kind")}', not a flow model");
        }

        try
        {
            var columns = MethodOptions.Parse<string[]>(Text("columns"));
            var d = columns.Length;
            var second = Numbers("moments.second", 3);
            var report = MethodOptions.Parse<ReportText>(Text("report"));
            return new FlowDescription(
                MethodOptions.Parse<InterpolantOptions>(Text("options")).Checked(),
                MethodOptions.Parse<FormText>(Text("form")).Form,
                columns,
                MethodOptions.Parse<Condition[]>(Text("conditions")),
                new Standardisation(Numbers("standardisation.mean", d), Numbers("standardisation.factor", d * d)),
                new EndMoments(Numbers("moments.baseMean", d), second[0], Numbers("moments.dataMean", d), second[1], second[2]),
                Text("base") == "gaussian",
                new FitReport(
                    report.Source, report.Rows, report.ValidationRows, report.Iterations, report.BestIteration, report.ValidationLoss
                    ?? double.NaN, report.Seed))
            {
                Mixture = Text("base") == "mixture" ? ReadMixture(d) : null,
            };
        }
        catch (ArgumentException error)
        {
            throw new DataFormatException(path, $"has a configuration that can't be read: {error.Message}", error);
        }
    }

    private sealed record FormText(InterpolantKind Form);

    private sealed record ReportText(string Source, int Rows, int ValidationRows, long Iterations, long BestIteration, double? ValidationLoss, ulong Seed);
}
