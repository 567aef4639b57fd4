using System.Collections.Concurrent;
using System.Globalization;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>Lattice phi^4 theories by name: phi4-chain-16, phi4-4x4, with other masses and couplings as in phi4-4x4@m2=-4.75,lambda=5.1.</summary>
internal static class LatticeTargets
{
    /// <summary>The largest number of sites.</summary>
    public const int MostSites = 4096;

    // Enough for six digits and more at the usual settings.
    private const int Degree = 10;
    private const int Nodes = 28;

    private static readonly ConcurrentDictionary<(string Sizes, double MassSquared, double Coupling), Lazy<LatticeAverages>> s_averages = [];

    /// <summary>The setting of FEAT and NETS in the ordered phase.</summary>
    public static (double MassSquared, double Coupling) Defaults => (-1, 0.8);

    /// <summary>The field of a target's name; null if it isn't a lattice's.</summary>
    /// <exception cref="ArgumentException">The sizes or settings are impossible.</exception>
    public static LatticeField? TryField(TargetName name)
    {
        if (name.Ending("phi4") is not { } ending)
        {
            return null;
        }

        string[] parts = ending.StartsWith("chain-", StringComparison.Ordinal) ? [ending["chain-".Length..]] : ending.Split('x');
        int[] sizes = [.. parts.Select(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : 0)];
        if (sizes.Any(s => s is < 2 or > MostSites) || sizes.Aggregate(1L, (a, b) => a * b) > MostSites || (sizes.Length == 1 && parts[0] == ending))
        {
            throw new ArgumentException(
                $"The target '{name.Proper}' doesn't exist: a lattice is phi4-chain-L or phi4-LxL (or more directions), each L at least 2, with at most "
                + $"{MostSites} sites.", nameof(name));
        }

        var values = name.Values(("m2", Defaults.MassSquared), ("lambda", Defaults.Coupling));
        return new LatticeField(sizes, values[0], values[1]);
    }

    /// <summary>The name of a field's target.</summary>
    public static string Name(LatticeField field) => TargetName.Write(
        field.Sizes.Count == 1 ? $"phi4-chain-{field.Sizes[0]}" : $"phi4-{string.Join('x', field.Sizes)}",
        ("m2", field.MassSquared, Defaults.MassSquared), ("lambda", field.Coupling, Defaults.Coupling));

    public static Density Create(LatticeField field, int threads = 0)
    {
        var size = string.Join(" x ", field.Sizes);
        var shape = field.Sizes.Count == 1 ? $"a chain of {size} sites" : $"a {size} lattice";
        return Density.Create(Name(field), field.Sites, field.LogDensity, new DensityOptions
        {
            Description = FormattableString.Invariant(
                $"The phi^4 field on {shape}, periodic, m^2 = {field.MassSquared:g4}, lambda = {field.Coupling:g4}, not normalised."),
            Names = field.Sizes.Count == 1 ? null : [.. Enumerable.Range(0, field.Sites).Select(site => $"phi[{Position(field, site)}]")],
            Base = Start(field),
            Facts = Facts(field, threads) with { Modes = Signs(field) },
        });
    }

    private static TargetFacts Facts(LatticeField field, int threads)
    {
        ReferenceMoments Moments(double meanSquare, string source) =>
            new(new double[field.Sites], [.. Enumerable.Repeat(Math.Sqrt(meanSquare), field.Sites)], source);
        if (field.Coupling == 0)
        {
            var root = new Lazy<double[]>(() => field.FreeFieldRoot(field.MassSquared));
            return new TargetFacts
            {
                LogZ = field.FreeLogNormaliser(field.MassSquared),
                LogZSource = "exact: the free field's sum over momenta",
                Moments = Moments(field.FreeMeanSquare(field.MassSquared), "exact: the free field's sum over momenta"),
                ExactSampler = (samples, random) => SampleFree(samples, field.Sites, root.Value, random),
            };
        }

        if (!LatticeReference.IsFeasible(field))
        {
            return TargetFacts.None;
        }

        var averages = s_averages.GetOrAdd(
            (string.Join('x', field.Sizes), field.MassSquared, field.Coupling),
            _ => new Lazy<LatticeAverages>(() => LatticeReference.Compute(field, Degree, Nodes, threads))).Value;
        return new TargetFacts
        {
            LogZ = averages.LogNormaliser,
            LogZSource = "exact: transfer matrix",
            Moments = Moments(averages.MeanSquare, "exact: symmetry and transfer matrix"),
        };
    }

    // The best symmetric Gaussian in the sense of Hartree's equation: it knows the action but not where its minima are.
    private static BaseSuggestion Start(LatticeField field)
    {
        var mass = field.HartreeMassSquared();
        var root = field.FreeFieldRoot(mass);
        var covariance = new double[field.Sites, field.Sites];
        var variance = field.FreeMeanSquare(mass);
        double[] firstRow = [.. Enumerable.Range(0, field.Sites).Select(j => Enumerable.Range(0, field.Sites).Sum(k => root[k] * root[(j * field.Sites) + k]))];
        for (var i = 0; i < field.Sites; i++)
        {
            for (var j = 0; j < field.Sites; j++)
            {
                covariance[i, j] = firstRow[field.Difference(i, j)];
            }
        }

        return new BaseSuggestion(
            new double[field.Sites], [.. Enumerable.Repeat(Math.Sqrt(variance), field.Sites)], "free field with the mass of Hartree's equation")
        {
            CovarianceFactor = LowerTriangle.TryFactor(covariance),
        };
    }

    // With a negative m^2 the uniform field has two minima; by symmetry each sign of the magnetisation has half of the mass.
    private static ModeSet? Signs(LatticeField field)
    {
        if (field.MassSquared >= 0)
        {
            return null;
        }

        var minimum = Math.Sqrt(-0.5 * field.MassSquared / field.Coupling);
        return new ModeSet(
            [0.5, 0.5], x => x.Sum() > 0 ? 1 : 0, k => k == 0 ? "negative" : "positive", k => [.. Enumerable.Repeat(k == 0 ? -minimum : minimum, field.Sites)]);
    }

    private static double[] SampleFree(int samples, int sites, double[] root, RandomStream random)
    {
        var positions = new double[samples * sites];
        var noise = new double[sites];
        for (var s = 0; s < samples; s++)
        {
            for (var i = 0; i < sites; i++)
            {
                noise[i] = random.NextNormal();
            }

            for (var i = 0; i < sites; i++)
            {
                for (var j = 0; j < sites; j++)
                {
                    positions[(s * sites) + i] += root[(i * sites) + j] * noise[j];
                }
            }
        }

        return positions;
    }

    private static string Position(LatticeField field, int site)
    {
        var position = new int[field.Sizes.Count];
        for (var direction = position.Length - 1; direction >= 0; direction--)
        {
            (position[direction], site) = (site % field.Sizes[direction], site / field.Sizes[direction]);
        }

        return string.Join(',', position);
    }
}
