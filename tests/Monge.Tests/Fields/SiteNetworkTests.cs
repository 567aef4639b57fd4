using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Fields;

public sealed class SiteNetworkTests
{
    private static readonly PeriodicLattice s_lattice = new(3, 4);

    [Theory]
    [InlineData("separable")]
    [InlineData("separable odd")]
    [InlineData("mean field")]
    [InlineData("lattice")]
    [InlineData("lattice with spectrum")]
    [InlineData("patches that meet themselves")]
    public void OneTangentGivesTheWholeDivergence(string kind)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var field = Field(kind, parameters, initializer);
        var (x, t) = (Expr.Input("x", field.Dimension), Expr.Input("t"));
        var probes = Expr.Constant(1).BroadcastTo(new Shape(field.Dimension, 2));
        var (value, divergence) = field.WithDivergence(x, t);
        var (again, estimates) = field.WithDivergenceEstimates(x, t, probes);
        var plain = field.Apply(x, t);
        var outputs = Run(parameters, field.Dimension, x =>
            [("divergence", divergence), ("generic", Derivative.Divergence(plain, x)), ("estimates", estimates),
                ("difference", (value - plain).SquaredNorm() + (again - plain).SquaredNorm())], x, 3);
        for (var i = 0; i < 20; i++)
        {
            var generic = outputs["generic"][i];
            Assert.True(Math.Abs(generic) > 1e-3);
            Assert.Equal(generic, outputs["divergence"][i], 1e-12 * Math.Max(1, Math.Abs(generic)));
            Assert.Equal(generic, outputs["estimates"][2 * i], 1e-12 * Math.Max(1, Math.Abs(generic)));
            Assert.Equal(0, outputs["difference"][i], 1e-24);
        }
    }

    [Fact]
    public void LatticeFieldsCommuteWithTranslationsAndAreOdd()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var field = Field("lattice with spectrum", parameters, initializer);
        int[] shift = [.. Enumerable.Range(0, 12).Select(i => (((i / 4) + 1) % 3 * 4) + ((i + 3) % 4))];
        var (x, t) = (Expr.Input("x", 12), Expr.Input("t"));
        var value = field.Apply(x, t);
        var outputs = Run(parameters, 12, x =>
            [("shifted", (field.Apply(x.Gather(0, shift), t) - value.Gather(0, shift)).SquaredNorm()), ("odd", (field.Apply(-x, t) + value).SquaredNorm()),
                ("size", value.SquaredNorm())], x, 5);
        for (var i = 0; i < 20; i++)
        {
            Assert.True(outputs["size"][i] > 1e-2);
            Assert.Equal(0, outputs["shifted"][i], 1e-24 * outputs["size"][i]);
            Assert.Equal(0, outputs["odd"][i], 1e-24 * outputs["size"][i]);
        }
    }

    [Fact]
    public void LocalFieldsDontSeeBeyondTheirPatches()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var lattice = new PeriodicLattice(6);
        var field = new SiteNetwork(parameters, initializer, 6, new SiteNetworkOptions { Width = 5, Patches = lattice.Patches(1), Embedded = false });
        var (x, t) = (Expr.Input("x", 6), Expr.Input("t"));
        var outputs = Run(parameters, 6, x => [("jacobian", Derivative.Jacobian(field.Apply(x, t), x))], x, 6);
        for (var k = 0; k < 36; k++)
        {
            var distance = Math.Min(Math.Abs((k / 6) - (k % 6)), 6 - Math.Abs((k / 6) - (k % 6)));
            Assert.Equal(distance > 1, outputs["jacobian"][k] == 0);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(16)]
    public void PlaneWavesAreOrthonormalEigenvectorsOfTheLatticeLaplacian(int size)
    {
        var (waves, eigenvalues) = new PeriodicLattice(size, 3).PlaneWaves();
        var n = 3 * size;
        double At(int wave, int row, int column) => waves[(wave * n) + (((row + size) % size) * 3) + ((column + 3) % 3)];
        for (var a = 0; a < n; a++)
        {
            for (var b = 0; b < n; b++)
            {
                var product = Enumerable.Range(0, n).Sum(i => waves[(a * n) + i] * waves[(b * n) + i]);
                Assert.Equal(a == b ? 1 : 0, product, 1e-12);
            }

            for (var i = 0; i < n; i++)
            {
                var (row, column) = (i / 3, i % 3);
                var laplacian = (4 * At(a, row, column)) - At(a, row - 1, column) - At(a, row + 1, column) - At(a, row, column - 1) - At(a, row, column + 1);
                Assert.Equal(eigenvalues[a] * At(a, row, column), laplacian, 1e-12);
            }
        }
    }

    [Fact]
    public void PatchesThatMissTheirSiteAreRefused()
    {
        var error = Assert.Throws<ArgumentException>(
            () => new SiteNetwork(new ParameterSet(), new ParameterInitializer(), 2, new SiteNetworkOptions { Patches = [[0], [0]] }));
        Assert.Contains("site 1", error.Message);
        Assert.Throws<ArgumentException>(
            () => new SiteNetwork(new ParameterSet(), new ParameterInitializer(), 3, new SiteNetworkOptions { Patches = [[0], [1]] }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void ASeparableDriftLearnsManyWells(int seed)
    {
        var target = TargetLibrary.Get("many-well-6");
        var options = new PinnOptions
        {
            Network = NetworkChoice.Separable,
            Training = new() { Iterations = 500, BatchSize = 512 },
            Size = new() { Width = 16 },
            Preparation = new() { BaseInflation = 0.9, TargetExponent = 2, BaseExponent = 1 },
            Carry = new() { Sampler = SamplerChoice.Ode, SamplerSteps = 32 },
        };
        var draws = new PinnTransport(target, options).Sample(4000, new Run { Seed = (ulong)seed });
        Assert.True(draws.EffectiveSampleSize > 0.6, $"ESS {draws.EffectiveSampleSize}");
        Assert.Equal(target.Facts.LogZ!.Value, draws.LogZ, 5 * draws.LogZError);
    }

    private static IVectorField Field(string kind, ParameterSet parameters, ParameterInitializer initializer)
    {
        var patches = s_lattice.Patches(1);
        var lattice = new SiteNetworkOptions { Width = 7, Patches = patches, Embedded = false, Odd = true, MeanField = true };
        return kind switch
        {
            "separable" => new SiteNetwork(parameters, initializer, 5, new SiteNetworkOptions { Width = 6 }),
            "separable odd" => new SiteNetwork(parameters, initializer, 5, new SiteNetworkOptions { Width = 6, Odd = true }),
            "mean field" => new SiteNetwork(parameters, initializer, 5, new SiteNetworkOptions { Width = 6, MeanField = true, Depth = 3 }),
            "lattice" => new SiteNetwork(parameters, initializer, 12, lattice),
            "lattice with spectrum" => new SumField(
                new SiteNetwork(parameters, initializer, 12, lattice), new SpectralField(parameters, initializer, s_lattice)),
            _ => new SiteNetwork(
                parameters, initializer, 4, new SiteNetworkOptions { Width = 6, Patches = new PeriodicLattice(2, 2).Patches(1), Embedded = false }),
        };
    }

    // Runs outputs at 20 random points with random parameters, so that also what starts at zero takes part.
    private static Dictionary<string, NdArray<double>> Run(ParameterSet parameters, int dimension, Func<Expr, (string, Expr)[]> outputs, Expr x, ulong seed)
    {
        const int n = 20;
        var traced = outputs(x);
        using var program = new CompiledProgram<double>(new TracedProgram(parameters, traced), new ExecutionOptions { Threads = 1 });
        var random = new RandomStream(seed, 80);
        var (values, positions, times) = (new NdArray<double>(parameters.Count), new NdArray<double>(n, dimension), new NdArray<double>(n));
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = 0.4 * random.NextNormal();
        }

        for (var i = 0; i < positions.Length; i++)
        {
            positions[i] = random.NextNormal();
        }

        for (var i = 0; i < n; i++)
        {
            times[i] = random.NextDouble();
        }

        (program.Parameters, program["x"], program["t"]) = (values, positions, times);
        var results = new Dictionary<string, NdArray<double>>();
        foreach (var (name, value) in traced)
        {
            results[name] = program[name] = new NdArray<double>([n, .. value.Shape.Sizes]);
        }

        program.Run(n);
        return results;
    }
}
