using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Runs.Evolutions;

/// <summary>The pictures of laws in time: densities that are densities, currents that point the right way, and what is drawn where a density fails.</summary>
public sealed class LawPicturesTests
{
    private const double Spin = 3;

    [Fact]
    public void Curves_integrate_to_one_beside_the_exact_law()
    {
        var law = Assert.Single(Follow(EvolutionLibrary.Get("ou-1"), 40).Laws);
        Assert.Equal(["t = 0", "t = 0.1", "t = 0.2", "t = 0.3", "t = 0.4"], law.Frames.Select(f => f.Label));
        foreach (var frame in law.Frames)
        {
            var (learned, exact) = (Line(frame, PictureTone.Ours), Line(frame, PictureTone.Exact));
            Assert.InRange(Integral(learned), 0.985, 1.005);
            Assert.InRange(Integral(exact), 0.985, 1.005);
            Assert.True(exact.IsDashed && !learned.IsDashed && learned.Y.Where(double.IsFinite).Max() <= law.Y.To);
            Assert.Equal("exact density", exact.Name);
        }

        // At time 0 the law is known.
        var (start, right) = (Line(law.Frames[0], PictureTone.Ours), Line(law.Frames[0], PictureTone.Exact));
        Assert.All(start.Y.Zip(right.Y).Where(p => double.IsFinite(p.First)), p => Assert.Equal(p.Second, p.First, 1e-9));
        Assert.True(start.Y.Count(double.IsFinite) > 200);
    }

    [Fact]
    public void Where_only_the_end_is_known_it_is_shown_by_its_name()
    {
        var facts = new TargetFacts { LogZ = 0.5 * Math.Log(2 * Math.PI) };
        var target = Density.Create("well", 1, x => -0.5 * x[0].Square(), new DensityOptions { Facts = facts });
        var law = Assert.Single(Follow(EvolutionProblem.ToTarget(target, GaussianBase.Isotropic(1, 0.6)), 20).Laws);
        var end = Assert.IsType<LineLayer>(Assert.Single(law.Layers));
        Assert.Equal(("stationary density", PictureTone.Exact, true), (end.Name, end.Tone, end.IsDashed));
        Assert.DoesNotContain(law.Frames[0].Layers, l => l.Tone == PictureTone.Exact);
        Assert.InRange(end.Y.Max(), 0.39, law.Y.To!.Value);
    }

    [Fact]
    public void The_current_of_a_rotation_goes_round()
    {
        // N(0, I) stays what it is, while b = -x + 3 (-y, x) and D = I turn it against the clock.
        var problem = new EvolutionProblem
        {
            Name = "turning",
            Initial = GaussianBase.Isotropic(2),
            Drift = (x, _) => Expr.Vector(-x[0] - (Spin * x[1]), (Spin * x[0]) - x[1]),
            Diffusion = EvolutionDiffusion.Isotropic(2, 1),
        };
        var run = new Run { Seed = 11, Threads = 1 };
        var evolution = new SbtmFlow(problem, new SbtmOptions { Until = 0.2, Step = 0.05, Iterations = 0, Particles = 4096 }).Follow(run);
        var law = Assert.Single(EvolutionResult.Of(evolution, SbtmFlow.Name, 10_000, 3, run).Laws);
        foreach (var (x, y, u, v) in law.Frames.SelectMany(Arrows))
        {
            // The cells' means are told at their centres: near the middle of the law they turn a little aside.
            var (round, out_) = (((x * v) - (y * u)) / double.Hypot(x, y), ((x * u) + (y * v)) / double.Hypot(x, y));
            Assert.True(round > 0 && Math.Abs(out_) < 0.5 * round, $"({x}, {y}): ({u}, {v})");
        }

        Assert.All(law.Frames, f => Assert.InRange(Arrows(f).Count(), 30, 144));

        // The current of all frames is on one scale: here it is the same at all times, and largest at distance 1.
        double[] longest = [.. law.Frames.Select(f => Arrows(f).Max(a => double.Hypot(a.U, a.V)))];
        Assert.InRange(longest.Min() / longest.Max(), 0.85, 1);
        Assert.All(law.Frames, f => Assert.InRange(Arrows(f).MaxBy(a => double.Hypot(a.U, a.V)) is var a ? double.Hypot(a.X, a.Y) : 0, 0.5, 1.6));
        Assert.All(law.Frames, f => Assert.InRange(Integral(Assert.IsType<ContoursLayer>(f.Layers[0])), 0.97, 1.005));
    }

    [Fact]
    public void The_current_of_a_gradient_flow_goes_towards_its_mean()
    {
        // The law keeps its shape on its way from (-1, -1) to (1, 1), so that all of it moves one way.
        var problem = new EvolutionProblem
        {
            Name = "descent",
            Initial = GaussianBase.Diagonal([-1, -1], [0.5, 0.5]),
            Energy = new FreeEnergy { Potential = x => 0.5 * (x - 1).Square().Sum(), Temperature = 0.25 },
        };
        var law = Assert.Single(Follow(problem, 60).Laws);
        var frames = law.Frames.Select(f => Arrows(f).ToArray()).ToArray();
        Assert.All(frames, arrows => Assert.True(arrows.Length > 10));
        Assert.All(frames.SelectMany(f => f), a => Assert.True(a.U + a.V > 0.9 * Math.Sqrt(2) * double.Hypot(a.U, a.V), $"({a.U}, {a.V})"));
    }

    [Theory]
    [InlineData("ou-3", "x[0], x[1]; x[1], x[2]")]
    [InlineData("ou-4", "x[0], x[1]; x[2], x[3]")]
    [InlineData("ou-8", "x[0], x[1]; x[2], x[3]; x[4], x[5]")]
    public void Above_two_coordinates_pairs_are_shown(string problem, string pairs)
    {
        var laws = Follow(EvolutionLibrary.Get(problem), 5).Laws;
        Assert.Equal(pairs, string.Join("; ", laws.Select(l => $"{l.X.Label}, {l.Y.Label}")));
        Assert.Equal(laws.Count, laws.Select(l => l.Name).Distinct().Count());
        foreach (var frame in laws.SelectMany(l => l.Frames))
        {
            Assert.InRange(Integral(Assert.IsType<ContoursLayer>(Assert.Single(frame.Layers))), 0.97, 1.005);
        }
    }

    [Theory]
    [InlineData("ou-1")]
    [InlineData("ou-2")]
    public void Where_a_density_fails_the_samples_stand_for_it(string problem)
    {
        var result = Follow(EvolutionLibrary.Get(problem), 5);
        var law = Assert.Single((result with { Evolution = new Lost(result.Evolution) }).Laws);
        Assert.Equal(5, law.Frames.Count);
        Assert.Contains(
            "At t = 0.2 it is told by the samples alone, as it can't be computed elsewhere: sample 3 is lost. So at 2 more times.", law.Caption,
            StringComparison.Ordinal);
        foreach (var frame in law.Frames)
        {
            Assert.InRange(problem == "ou-1" ? Integral(Line(frame, PictureTone.Ours)) : Integral(Assert.IsType<ContoursLayer>(frame.Layers[0])), 0.97, 1.005);
        }
    }

    [Fact]
    public void Where_samples_have_no_density_either_there_is_their_histogram()
    {
        var result = Follow(EvolutionLibrary.Get("ou-1"), 5);
        var blind = result with
        {
            Evolution = new Lost(result.Evolution),
            Stored = [.. result.Stored.Select(s => s with { LogDensity = [.. s.LogDensity.Select(_ => double.NaN)] })],
        };
        var layers = Assert.Single(blind.Laws).Frames[^1].Layers;
        Assert.DoesNotContain(layers, l => l is LineLayer { Tone: PictureTone.Ours });
        var histogram = Assert.Single(layers.OfType<StepsLayer>());
        Assert.Equal(PictureTone.Ours, histogram.Tone);
        Assert.Equal(1, histogram.Heights.Sum() * (histogram.Edges[1] - histogram.Edges[0]), 0.02);
    }

    [Fact]
    public void A_few_of_many_frames_are_evenly_spread()
    {
        var picture = new Picture("p", "") { Frames = [.. Enumerable.Range(0, 11).Select(k => new PictureFrame($"{k}", []))] };
        Assert.Equal(["0", "2", "4", "6", "8", "10"], picture.FewFrames(6).Select(f => f.Label));
        Assert.Equal(["10"], picture.FewFrames(1).Select(f => f.Label));
        Assert.Equal(11, picture.FewFrames(20).Count);
    }

    private static EvolutionResult Follow(EvolutionProblem problem, int iterations)
    {
        var run = new Run { Seed = 11, Threads = 1 };
        var options = new JkoOptions { Iterations = iterations, BatchSize = 256, Pool = 4096, Width = 16, Step = 0.1, Until = 0.4 };
        return EvolutionResult.Of(new JkoFlow(problem, options).Follow(run), JkoFlow.Name, 10_000, 5, run);
    }

    private static LineLayer Line(PictureFrame frame, PictureTone tone) => Assert.Single(frame.Layers.OfType<LineLayer>(), l => l.Tone == tone);

    // The middle of each arrow, and the arrow.
    private static IEnumerable<(double X, double Y, double U, double V)> Arrows(PictureFrame frame)
    {
        var arrows = Assert.Single(frame.Layers.OfType<ArrowsLayer>());
        return Enumerable.Range(0, arrows.X.Count).Select(i =>
            (arrows.X[i] + (0.5 * arrows.Across[i]), arrows.Y[i] + (0.5 * arrows.Up[i]), arrows.Across[i], arrows.Up[i]));
    }

    private static double Integral(LineLayer line) => line.Y.Where(double.IsFinite).Sum() * (line.X[1] - line.X[0]);

    private static double Integral(ContoursLayer density) => density.Values.Sum() * (density.X[1] - density.X[0]) * (density.Y[1] - density.Y[0]);

    /// <summary>An evolution whose density can't be told from time 0.2 on.</summary>
    private sealed class Lost(IEvolution whole) : IEvolution
    {
        public EvolutionProblem Problem => whole.Problem;

        public IReadOnlyList<double> Times => whole.Times;

        public IEnumerable<EvolvedSamples> Carry(int samples, ulong seed = 1, int threads = 0) => whole.Carry(samples, seed, threads);

        public double[] LogDensity(double[] points, int time, int threads = 0) => LogDensityAt(points, Times[time], threads);

        public double[] LogDensityAt(double[] points, double time, int threads = 0) =>
            time < 0.15 ? whole.LogDensityAt(points, time, threads) : throw new ArithmeticException("sample 3 is lost.");

        public (double[] Positions, double[] LogDensity) DrawAt(int samples, double time, ulong seed = 1, int threads = 0) =>
            whole.DrawAt(samples, time, seed, threads);
    }
}
