using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.OptimalTransport;
using Monge.Training;

namespace Monge.Tests.OptimalTransport;

/// <summary>Couplings computed from the data, the lattice convolution they are learned with, and Gaussian fields whose conditional laws judge them.</summary>
public sealed class CorruptionTests
{
    private static double[] Evaluate(Expr value, params (string Name, double[] Values)[] inputs)
    {
        using var run = new CompiledProgram<double>(new TracedProgram(null, ("value", value)), new ExecutionOptions { Threads = 1 });
        foreach (var (name, values) in inputs)
        {
            run[name] = NdArray<double>.From(values, 1, values.Length);
        }

        run["value"] = NdArray<double>.ForSamples(1, value.Shape);
        run.Run(1);
        return [.. run["value"].Span];
    }

    [Fact]
    public void BlockMeansAndUpSamplingAreTheirDefinitions()
    {
        var x = Expr.Input("x", 24);
        double[] image = [.. Enumerable.Range(0, 24).Select(i => (double)(i * i))];
        var means = Evaluate(Corruption.BlockMean(x, 4, 6, 2), ("x", image));
        Assert.Equal(6, means.Length);
        Assert.Equal((image[2] + image[3] + image[8] + image[9]) / 4, means[1], 12);
        Assert.Equal((image[16] + image[17] + image[22] + image[23]) / 4, means[5], 12);
        var fine = Evaluate(Corruption.UpSample(Expr.Input("x", 6), 4, 6, 2), ("x", means));
        for (var i = 0; i < 24; i++)
        {
            Assert.Equal(means[(i / 12 * 3) + (i % 6 / 2)], fine[i], 12);
        }

        Assert.Throws<ArgumentException>(() => Corruption.BlockMean(x, 4, 6, 4));
    }

    [Fact]
    public void MasksKeepWholeTilesAndInPaintingKeepsTheirData()
    {
        var keep = Corruption.KeptTiles(Expr.Input("u", 4), 0.3, 4, 4, 2);
        var x0 = Corruption.InPaint(Expr.Input("x", 16), keep, Expr.Input("z", 16));
        double[] data = [.. Enumerable.Range(0, 16).Select(i => 1 + (0.1 * i))];
        double[] noise = [.. Enumerable.Range(0, 16).Select(i => -1 - (0.1 * i))];
        var start = Evaluate(x0, ("u", [0.1, 0.9, 0.31, 0.29]), ("x", data), ("z", noise));
        for (var i = 0; i < 16; i++)
        {
            var tile = (i / 8 * 2) + (i % 4 / 2);
            Assert.Equal(tile is 1 or 2 ? data[i] : noise[i], start[i]);
        }
    }

    [Fact]
    public void AMaskedFieldMovesNothingThatIsKept()
    {
        var (x, keep) = (Expr.Input("x", 3), Expr.Input("keep", 3));
        var field = new MaskedField(keep, new FormulaField(3, (at, t) => (at * at) + t));
        var (value, divergence) = field.WithDivergence(x, 0.5);
        var found = Evaluate(Expr.Concat(0, value, divergence.Reshape(1)), ("x", [1.0, 2, 3]), ("keep", [1.0, 0, 0]));
        Assert.Equal([0.0, 4.5, 9.5, 10], found);
    }

    [Fact]
    public void ALatticeConvolutionCommutesWithTranslationsAndStartsAtZero()
    {
        const int sites = 20;
        var (set, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new LatticeConvolution(
            set, initializer, new PeriodicLattice(4, 5), new LatticeConvolutionOptions { Channels = 2, SideChannels = 1, Width = 6, Depth = 2 });
        var (x, side) = (Expr.Input("x", 2 * sites), Expr.Input("side", sites));
        using var run = new CompiledProgram<double>(
            new TracedProgram(set, ("b", network.Apply(x, 0.3, side))), new ExecutionOptions { Threads = 1 })
        { ["b"] = new NdArray<double>(1, 2 * sites) };
        double[] At(double[] state, double[] known)
        {
            (run["x"], run["side"]) = (NdArray<double>.From(state, 1, 2 * sites), NdArray<double>.From(known, 1, sites));
            run.Run(1);
            return [.. run["b"].Span];
        }

        var random = new RandomStream(1);
        double[] state = [.. Enumerable.Range(0, 2 * sites).Select(_ => random.NextNormal())];
        double[] known = [.. Enumerable.Range(0, sites).Select(_ => random.NextNormal())];
        initializer.Fill(run.Parameters.Span, new RandomKey(1, 2));
        Assert.All(At(state, known), v => Assert.Equal(0, v));
        foreach (ref var parameter in run.Parameters.Span)
        {
            parameter = 0.3 * random.NextNormal();
        }

        // One step down and two to the right.
        static double[] Move(double[] field) =>
            [.. Enumerable.Range(0, field.Length).Select(i => field[(i / sites * sites) + (((i % sites / 5) + 3) % 4 * 5) + (((i % 5) + 3) % 5)])];
        var (moved, there) = (At(Move(state), Move(known)), Move(At(state, known)));
        Assert.True(there.Max(Math.Abs) > 0.1);
        Assert.All(moved.Zip(there), p => Assert.Equal(p.Second, p.First, 12));
    }

    [Fact]
    public void TheConditionalGaussianIsTheTextbooksInTwoDimensions()
    {
        // x = (a, b) given a + noise = y.
        double[] covariance = [2, 0.6, 0.6, 1];
        var law = new GaussianConditional([1, -1], covariance, [1, 0], 0.5);
        var mean = law.Mean([2]);
        Assert.Equal(1 + (2 / 2.5), mean[0], 12);
        Assert.Equal(-1 + (0.6 / 2.5), mean[1], 12);
        double[] expected = [2 - (4 / 2.5), 0.6 - (1.2 / 2.5), 0.6 - (1.2 / 2.5), 1 - (0.36 / 2.5)];
        Assert.All(law.Covariance.Zip(expected), p => Assert.Equal(p.Second, p.First, 12));
    }

    [Fact]
    public void AGaussianFieldHasUnitVarianceAndItsSpectrum()
    {
        var field = new GaussianField(new PeriodicLattice(4, 4).PlaneWaves(), k => 1 / (1 + k));
        var covariance = field.Covariance();
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(1, covariance[i * 17], 12);
            Assert.Equal(covariance[(((i + 5) % 16) * 16) + ((i + 5) % 16)], covariance[i * 17], 12);
        }

        // Neighbours are alike everywhere: across the border and inside.
        Assert.Equal(covariance[1], covariance[3], 12);
        Assert.Equal(covariance[1], covariance[4], 12);
        // The slowest waves of a side of 4 have khat^2 = 2.
        Assert.Equal(3, field.Variances[0] / field.Variances[Index(field, 2)], 9);

        var draw = field.Draw(Expr.Input("z", 16));
        double[] noise = [.. Enumerable.Range(0, 16).Select(i => Math.Sin(i + 1.0))];
        var amplitudes = field.Amplitudes(Evaluate(draw, ("z", noise)));
        for (var wave = 0; wave < 16; wave++)
        {
            Assert.Equal(noise[wave] * Math.Sqrt(field.Variances[wave]), amplitudes[wave], 12);
        }
    }

    [Fact]
    public void TheMinimiserFindsALinearRegressionAndDoesNotDependOnThreads()
    {
        NdArray<float> Fit(int threads)
        {
            var (set, initializer) = (new ParameterSet(), new ParameterInitializer());
            var weight = initializer.Add(set, "weight", 0.1, 2);
            var x = Expr.Random(RandomLaw.Normal, 900, 2);
            var loss = (Expr.Dot(weight, x) - (2 * x[0]) + x[1] + (0.1 * Expr.Random(RandomLaw.Normal, 901))).Square();
            using var minimiser = new LossMinimiser<float>(
                set, initializer, loss, new LossMinimiserOptions { Iterations = 600, BatchSize = 256, LearningRate = 2e-2, AverageDecay = 0.98 }, 1,
                new ExecutionOptions { Threads = threads });
            minimiser.Run();
            return minimiser.State.Average;
        }

        var (one, two) = (Fit(1), Fit(2));
        Assert.Equal(2, one[0], 0.01);
        Assert.Equal(-1, one[1], 0.01);
        Assert.True(one.Span.SequenceEqual(two.Span));
    }

    private static int Index(GaussianField field, double eigenvalue) =>
        Enumerable.Range(0, field.Sites).First(k => Math.Abs(field.Eigenvalues[k] - eigenvalue) < 1e-9);
}
