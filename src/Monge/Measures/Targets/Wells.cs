using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>Products of double wells and Gaussians: 2^m separated modes, everything known from one-dimensional integrals.</summary>
internal static class Wells
{
    /// <summary>
    /// The many wells of the literature, by dimension: 5 is five wells exp(-(x^2 - 4)^2) and 50 is five wells exp(-(x^2 - 2)^2) with 45 standard Gaussians
    /// (juliusberner/sde_sampler); every other even d is d/2 pairs of exp(-x^4 + 6 x^2 + x/2) and a standard Gaussian (lollcat/fab-torch).
    /// </summary>
    public static Density ManyWell(int dimension) => dimension switch
    {
        5 => Quartic(5, 4),
        50 => Quartic(50, 2),
        _ when dimension % 2 == 0 => Pairs(dimension),
        _ => throw new ArgumentException(
            $"The target 'many-well-{dimension}' doesn't exist: the size must be even (pairs of a well and a Gaussian), or 5.", nameof(dimension)),
    };

    /// <summary>One double well -((x - 1.5)^2 - 2)^2, away from the origin.</summary>
    public static Density DoubleWell()
    {
        const double Shift = 1.5;
        var law = new WellLaw(x => -(((x * x) - 2) * ((x * x) - 2)), Math.Sqrt(2), 0.55);
        return Density.Create("double-well", 1, x => -((x[0] - Shift).Square() - 2).Square(), new DensityOptions
        {
            Description = "A double well in one dimension, -((x - 1.5)^2 - 2)^2.",
            Base = BaseSuggestion.Isotropic(1, 3, 6, "wide enough for both wells, around the origin", true),
            Facts = new TargetFacts
            {
                LogZ = law.LogZ,
                LogZSource = "exact: one-dimensional quadrature",
                Moments = new ReferenceMoments([Shift], [law.StandardDeviation], "exact: one-dimensional quadrature"),
                Modes = new ModeSet([0.5, 0.5], x => x[0] > Shift ? 1 : 0, k => k == 0 ? "left" : "right", k => [Shift + law.Top(k == 1)]),
                ExactSampler = (n, random) => [.. Enumerable.Range(0, n).Select(_ => Shift + law.Draw(random))],
            },
        });
    }

    // Five wells first, Gaussians after them.
    private static Density Quartic(int dimension, double delta)
    {
        var law = new WellLaw(x => -(((x * x) - delta) * ((x * x) - delta)), Math.Sqrt(delta), delta > 3 ? 0.38 : 0.55);
        return Create(
            $"many-well-{dimension}", $"Five double wells (x^2 - {delta})^2" + (dimension > 5 ? $" and {dimension - 5} standard Gaussians." : "."),
            dimension, [0, 1, 2, 3, 4], law, y => -(y.Square() - delta).SquaredNorm(), Math.Sqrt(delta) + 2.5);
    }

    // Well and Gaussian coordinates in turn.
    private static Density Pairs(int dimension)
    {
        var law = new WellLaw(x => (x * x * (6 - (x * x))) + (0.5 * x), 1.73, 0.45);
        return Create(
            $"many-well-{dimension}", $"{dimension / 2} pairs of a double well exp(-x^4 + 6 x^2 + x/2) and a standard Gaussian.",
            dimension, [.. Enumerable.Range(0, dimension / 2).Select(i => 2 * i)], law,
            y => ((y.Square() * (6 - y.Square())) + (0.5 * y)).Sum(), Math.Sqrt(3) + 2.5);
    }

    private static Density Create(string name, string description, int dimension, int[] wells, WellLaw law, Func<Expr, Expr> logWells, double box)
    {
        var isWell = new bool[dimension];
        foreach (var i in wells)
        {
            isWell[i] = true;
        }

        int[] gaussians = [.. Enumerable.Range(0, dimension).Where(i => !isWell[i])];
        double[] PerCoordinate(double well, double gaussian) => [.. isWell.Select(w => w ? well : gaussian)];
        double[] Sample(int samples, RandomStream random)
        {
            var positions = new double[samples * dimension];
            for (var k = 0; k < positions.Length; k++)
            {
                positions[k] = isWell[k % dimension] ? law.Draw(random) : random.NextNormal();
            }

            return positions;
        }

        return Density.Create(
            name, dimension, x => logWells(x.Gather(0, wells)) + (gaussians.Length == 0 ? 0 : -0.5 * x.Gather(0, gaussians).SquaredNorm()), new DensityOptions
            {
                Description = description,
                Base = new BaseSuggestion(
                    new double[dimension], PerCoordinate(law.StandardDeviation, 1), "the targets' own standard deviations, around the origin")
                {
                    BoxHalfWidths = PerCoordinate(box, 5),
                    UsesModeKnowledge = true,
                },
                Facts = new TargetFacts
                {
                    LogZ = (wells.Length * law.LogZ) + (0.5 * gaussians.Length * Math.Log(2 * Math.PI)),
                    LogZSource = "exact: one-dimensional quadrature",
                    Moments = new ReferenceMoments(PerCoordinate(law.Mean, 0), PerCoordinate(law.StandardDeviation, 1), "exact: one-dimensional quadrature"),
                    Modes = wells.Length <= 16 ? SignPatterns(dimension, wells, law) : null,
                    ExactSampler = Sample,
                },
            });
    }

    // Mode k has a positive coordinate in well j where bit j of k is set.
    private static ModeSet SignPatterns(int dimension, int[] wells, WellLaw law)
    {
        var weights = new double[1 << wells.Length];
        for (var k = 0; k < weights.Length; k++)
        {
            var positive = System.Numerics.BitOperations.PopCount((uint)k);
            weights[k] = Math.Pow(1 - law.Negative, positive) * Math.Pow(law.Negative, wells.Length - positive);
        }

        int Label(double[] x)
        {
            var mode = 0;
            for (var j = 0; j < wells.Length; j++)
            {
                mode |= x[wells[j]] > 0 ? 1 << j : 0;
            }

            return mode;
        }

        string Name(int mode) => string.Concat(wells.Select((_, j) => (mode >> j & 1) == 1 ? '+' : '-'));
        double[] Position(int mode)
        {
            var x = new double[dimension];
            for (var j = 0; j < wells.Length; j++)
            {
                x[wells[j]] = law.Top((mode >> j & 1) == 1);
            }

            return x;
        }

        return new ModeSet(weights, Label, Name, Position);
    }
}
