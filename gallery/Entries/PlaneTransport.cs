using Monge.Data;
using Monge.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Paths;

namespace Monge.Gallery.Entries;

/// <summary>
/// Transport in the plane under mini-batch optimal transport (A. Tong and others, arXiv:2302.00482): W2 at the end beside its floor, how much longer than the shortest the paths are, and what is
/// left of it in 1, 2 and 4 Euler steps.
/// </summary>
internal static class PlaneTransport
{
    private const int Points = 1000;
    private const int Repetitions = 10;
    private const int Pairs = 5;
    private const uint Stream = 789;
    private const string Published = "arXiv:2302.00482 (from memory)";

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        Transport("normal-to-eight-gaussians", "The standard normal law to eight Gaussians of deviation 0.562 on a circle of radius 5.", 0.018, () => (DataSetLibrary.Get("normal"), DataSetLibrary.Get("eight-gaussians"))),
        Transport(
            "moons-to-eight-gaussians", "Two moons standardised to deviation 7 to eight Gaussians of deviation 0.562 on a circle of radius 12.", 0.053,
            () => (Moons(), DataSetLibrary.EightGaussians("eight-gaussians-12", 12, 0.562341325190349))),
    ];

    private static Experiment Transport(string name, string description, double published, Func<(SampledLaw Base, SampledLaw Data)> laws) => new(
        name,
        description + " Velocity learned under mini-batch optimal transport.",
        Quick: false,
        [
            FigureReference.AtMost("W2 over its floor, 1000 points", 1.15, "two exact sets", stretchBound: 1.05),
            FigureReference.AtMost("normalised path energy", 0.05, FormattableString.Invariant($"bar of the project; published {published}, {Published}"), stretchBound: 0.02),
            FigureReference.AtMost("W2 over its floor in 4 Euler steps", 1.5, "own bar; nobody prints it", stretchBound: 1.2),
        ],
        (settings, cancellation) => Task.Run<IReadOnlyList<double>>(() => Measure(name, laws(), settings, cancellation), cancellation));

    private static double[] Measure(string name, (SampledLaw Base, SampledLaw Data) laws, ExperimentSettings settings, CancellationToken cancellation)
    {
        var options = new InterpolantOptions
        {
            Coupling = CouplingKind.OptimalTransport,
            CouplingSize = 256,
            BatchSize = 512,
            Standardisation = StandardisationKind.None,
            Width = 128,
            Depth = 3,
            Iterations = 8000,
            ValidationShare = 0,
        };
        var data = FlowData.From(2, (count, random) => laws.Data.Sampler(count, random));
        if (laws.Base.Name != "normal")
        {
            data = data.FromBase((count, random) => laws.Base.Sampler(count, random));
        }

        var model = InterpolantFit.Run(data, options, new FitSettings { Seed = settings.Seed, Threads = settings.Threads }, cancellation);
        using var paths = new FieldPaths<float>(model.Parameters, model.ParameterValues, 2, model.Velocity().Apply, settings.Threads);
        NdArray<float> Start(int count, ulong seed) => NdArray<float>.From(Array.ConvertAll(laws.Base.Draw(count, settings.Seed + 10_000 + seed), v => (float)v), count, 2);
        DistanceWithFloor Distance(int steps, bool euler) => DistanceWithFloor.Compute(
            (count, set) => Array.ConvertAll(paths.Run(Start(count, (ulong)set), steps, euler).Span.ToArray(), v => (double)v), Points, 2,
            (count, set) => laws.Data.Draw(count, settings.Seed + 20_000 + (ulong)set), (x, y) => Wasserstein.Exact(x, y, 2, 2, cancellation).Distance, "W2", Repetitions);
        var whole = Distance(50, false);
        settings.Note($"{name}, 50 Runge-Kutta steps: {whole}");
        DistanceWithFloor[] few = [.. ((int[])[1, 2, 4]).Select(steps => Distance(steps, true))];
        settings.Note($"1, 2 and 4 Euler steps: {string.Join("; ", few.Select(d => d.ToString()))}");

        // The shortest: mean squared cost between exact sets of both laws, which finite sets put a little too high.
        var shortest = Enumerable.Range(0, Pairs).Average(k => Wasserstein.Exact(laws.Base.Draw(2 * Points, settings.Seed + 30_000 + (ulong)k), laws.Data.Draw(2 * Points, settings.Seed + 40_000 + (ulong)k), 2, 2, cancellation).MeanCost);
        var energy = paths.Energy(Start(20_000, 99_999), 100);
        settings.Note(FormattableString.Invariant($"path energy {energy:F4}, W2^2 from base to data {shortest:F4} (mean of {Pairs} pairs of sets of {2 * Points})"));
        return [whole.Ratio, Math.Abs((energy / shortest) - 1), few[2].Ratio];
    }

    private static SampledLaw Moons()
    {
        const int count = 100_000;
        var moons = DataSetLibrary.Get("moons");
        var draws = moons.Sampler(count, new RandomStream(0, Stream));
        var (mean, deviation) = (new double[2], new double[2]);
        for (var i = 0; i < 2; i++)
        {
            mean[i] = Enumerable.Range(0, count).Average(k => draws[(2 * k) + i]);
            deviation[i] = Math.Sqrt(Enumerable.Range(0, count).Average(k => Math.Pow(draws[(2 * k) + i] - mean[i], 2)));
        }

        return new SampledLaw("moons-7", moons.Description + ", standardised to deviation 7", 2, (n, random) => [.. moons.Sampler(n, random).Select((v, i) => 7 * (v - mean[i % 2]) / deviation[i % 2])]);
    }
}
