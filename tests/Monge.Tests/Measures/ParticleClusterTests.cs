using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Measures;

/// <summary>Clusters of particles: energies by hand, symmetries, and what theory says of their averages.</summary>
public sealed class ParticleClusterTests
{
    private static double[] Reported(Density target, double[] y) => target.ReportAt(y);

    // Energies of the reported positions by the formulas of the literature, pair by pair.
    [Theory]
    [InlineData("double-well-4", 4, 2)]
    [InlineData("lennard-jones-13", 13, 3)]
    [InlineData("lennard-jones-5", 5, 3)]
    public void The_energy_is_that_of_all_pairs(string name, int particles, int space)
    {
        var (target, random) = (TargetLibrary.Get(name), new RandomStream(3));
        double[] y = [.. Enumerable.Range(0, target.Dimension).Select(_ => 2 * random.NextNormal())];
        var told = Reported(target, y);
        double[][] x = [.. Enumerable.Range(0, particles).Select(i => told.AsSpan(1 + (i * space), space).ToArray())];
        for (var c = 0; c < space; c++)
        {
            Assert.Equal(0, x.Sum(p => p[c]), 1e-12);
        }

        var energy = 0.0;
        for (var i = 0; i < particles; i++)
        {
            energy += space == 3 ? 0.5 * x[i].Sum(v => v * v) : 0;
            for (var j = 0; j < i; j++)
            {
                var r = Math.Sqrt(x[i].Zip(x[j], (a, b) => (a - b) * (a - b)).Sum());
                energy += space == 2 ? (0.9 * Math.Pow(r - 4, 4)) - (4 * Math.Pow(r - 4, 2)) : 2 * (Math.Pow(r, -12) - (2 * Math.Pow(r, -6)));
            }
        }

        Assert.Equal(energy, told[0], 1e-9 * Math.Abs(energy));
        Assert.Equal(-energy, target.LogDensityAt(y)[0], 1e-9 * Math.Abs(energy));
    }

    // E[x . grad E] is the number of coordinates, by partial integration, whatever the energy. Of DW-4 it spreads by some 37 from draw to draw.
    [Theory]
    [InlineData("double-well-4", 11)]
    [InlineData("double-well-4", 12)]
    [InlineData("lennard-jones-5", 11)]
    public void The_virial_of_tempered_chains_is_the_number_of_coordinates(string name, int seed)
    {
        var target = TargetLibrary.Get(name);
        var draws = new PtSampler(target, new PtOptions { Chains = 32, Draws = 100, Thinning = 5 }).Sample(2, new Run { Seed = (ulong)seed });
        var (d, y) = (target.Dimension, draws.UnconstrainedPositions!);
        var gradients = target.GradientAt(y);
        double[] virials = [.. Enumerable.Range(0, draws.Count).Select(i => -Enumerable.Range(i * d, d).Sum(k => y[k] * gradients[k]))];
        double[] ofChains = [.. virials.Chunk(100).Select(c => c.Average())];
        var (mean, error) = (ofChains.Average(), Math.Sqrt(ofChains.Sum(v => Math.Pow(v - ofChains.Average(), 2)) / 31 / 32));
        Assert.InRange((mean - d) / error, -4, 4);
        Assert.InRange(error, 0, 0.2 * d);
    }

    // Exchanged and turned, draws of one configuration have the moments that symmetry asks for, and its energy.
    [Fact]
    public void Draws_are_reported_turned_and_exchanged()
    {
        var (target, n) = (TargetLibrary.Get("double-well-4"), 4000);
        double[] one = [3, 0.5, -1, 2, 0.3, -2.5];
        double[] many = [.. Enumerable.Range(0, n).SelectMany(_ => one)];
        target.Symmetrise(many, 11);
        var told = target.ReportAt(many);
        var energy = target.ReportAt(one)[0];
        var square = target.ReportAt(one).Skip(1).Average(v => v * v);
        for (var j = 0; j < 9; j++)
        {
            double[] column = [.. Enumerable.Range(0, n).Select(i => told[(i * 9) + j])];
            if (j == 0)
            {
                Assert.All(column, e => Assert.Equal(energy, e, 1e-9 * Math.Abs(energy)));
                continue;
            }

            Assert.InRange(column.Average() / Math.Sqrt(square / n), -4.5, 4.5);
            Assert.Equal(square, column.Average(v => v * v), 0.15 * square);
        }
    }
}
