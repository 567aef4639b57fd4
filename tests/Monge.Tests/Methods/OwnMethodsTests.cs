using Monge.Data;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods;

/// <summary>Methods of two kinds from outside the library: each is one class and one line of the registry.</summary>
public sealed class OwnMethodsTests
{
    [Fact]
    public void A_sampler_is_a_class_and_a_line()
    {
        MethodRegistry.Add(MethodRegistry.Sampler<WidenedOptions>("toy-widened", "Wide", "Weights.", [], (target, options) => new Widened(target, options)));
        var entry = MethodRegistry.Samplers.Single(m => m.Facts.Name == "toy-widened");
        var target = Density.Create("gaussian", 2, x => 0.5 - (0.5 * x.SquaredNorm()) - Math.Log(2 * Math.PI));
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var draws = entry.Bind(new SamplingProblem(target, 4000), new() { ["scale"] = 1.5 }).Run(new Run { Seed = seed });
            Assert.True(Math.Abs(draws.LogZ - 0.5) < 5 * draws.LogZError, $"log Z {draws.LogZ} +- {draws.LogZError}");
            Assert.Equal("toy-widened", draws.Method);
        }

        Assert.Contains(
            "above 0",
            Assert.Throws<ArgumentException>(() => entry.Bind(new SamplingProblem(target, 2), new() { ["scale"] = 0 })).Message,
            StringComparison.Ordinal);
        Assert.Contains("already", Assert.Throws<ArgumentException>(() => MethodRegistry.Add(entry)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fit_is_a_class_and_a_line()
    {
        MethodRegistry.Add(MethodRegistry.Fit<BriefOptions>("toy-brief", "Brief", "A small network.", [], (data, options) => new Brief(data, options)));
        var entry = MethodRegistry.Fits.Single(m => m.Facts.Name == "toy-brief");
        double[] rows = [.. GaussianBase.Isotropic(2).Sample(200, new(1, 5))];
        var model = entry.Bind(new FitProblem(FlowData.From(DataTable.From(rows, 2))), new() { ["iterations"] = 20 }).Run(new Run { Threads = 1 });
        Assert.Equal(20, model.Report.Iterations);
        Assert.All(model.Generate(10), v => Assert.True(double.IsFinite(v)));
    }

    private sealed record WidenedOptions : IMethodOptions
    {
        public double Scale { get; init; } = 2;

        public void Check() => OptionCheck.Above<double>(Scale, 0);
    }

    private sealed class Widened(Density target, WidenedOptions options) : ISamplingMethod
    {
        public string Name => "toy-widened";

        public IMethodOptions Options => options;

        public SampleSet Sample(int samples, Run run)
        {
            SamplingMethods.Check(target, samples);
            var proposal = GaussianBase.Isotropic(target.Dimension, options.Scale);
            var positions = proposal.Sample(samples, new(run.Seed, 77));
            var d = target.Dimension;
            double LogNormal(double x) => (-0.5 * x * x / (options.Scale * options.Scale)) - Math.Log(options.Scale) - (0.5 * Math.Log(2 * Math.PI));
            double LogProposal(int i) => positions.AsSpan(i * d, d).ToArray().Sum(LogNormal);
            double[] logWeights = [.. target.LogDensityAt(positions).Select((log, i) => log - LogProposal(i))];
            return SampleSet.Of(target, positions, logWeights, Name, options, "a wider Gaussian", run.Seed);
        }
    }

    private sealed record BriefOptions : IMethodOptions
    {
        public long Iterations { get; init; } = 50;

        public void Check() => OptionCheck.AtLeast<long>(Iterations, 1);
    }

    private sealed class Brief(FlowData data, BriefOptions options) : IMethod<FlowModel>
    {
        private readonly InterpolantFit _fit = new(
            data,
            new InterpolantOptions { Patience = 0, Training = new() { Iterations = options.Iterations, BatchSize = 32 }, Size = new() { Depth = 1 } });

        public IMethodOptions Options => options;

        public FlowModel Run(Run run) => _fit.Run(run);
    }
}
