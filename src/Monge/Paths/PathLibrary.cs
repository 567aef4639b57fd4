using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Measures.Targets;

namespace Monge.Paths;

/// <summary>A path of the library.</summary>
/// <param name="Path">The path; V_1 is the target's own log density, not normalised if that isn't.</param>
/// <param name="ExactDrift">A drift that solves the continuity equation along the path exactly; null if none is known.</param>
public sealed record LibraryPath(FormulaPath Path, IVectorField? ExactDrift);

/// <summary>
/// Paths of interpolated parameters to targets of the library, instead of the interpolated energies that suit any target (arXiv:2410.02711, experiments). Where
/// the parameters that move say where the modes are, or what scales what, the path is labelled as using that knowledge
/// (<see cref="FormulaPath.UsesModeKnowledge"/>).
/// </summary>
public static class PathLibrary
{
    // In the plane a base four times as wide as the components overlaps with all of the path; in high dimension a changing width would cost too much.
    private const double PlanarWidening = 4;

    /// <summary>The path of a target of the library.</summary>
    /// <param name="target">The target, as <see cref="TargetLibrary.Get"/> makes it.</param>
    /// <returns>The path; null if the library has none for this density.</returns>
    public static LibraryPath? For(Density target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var name = TargetName.Parse(target.Name);
        var found = ForMixture(name) ?? ForOther(name, target.Dimension);
        return found is not null && EndsAt(found.Path, target) ? found : null;
    }

    /// <summary>
    /// A mixture of equal Gaussians whose means leave the origin: V_t = log (1/K) sum_k N(x; t mu_k, s_t^2 I), s_t = (1-t) s_0 + t s_1. It stays normalised.
    /// Its exact drift moves each component as a whole, b = sum_k r_k(x) [mu_k + (s'_t / s_t)(x - t mu_k)] with the responsibilities r_k.
    /// </summary>
    /// <param name="means">mu_k [K][d].</param>
    /// <param name="startDeviation">s_0, above 0.</param>
    /// <param name="endDeviation">s_1, above 0.</param>
    public static LibraryPath GaussianMixture(double[][] means, double startDeviation, double endDeviation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(startDeviation);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(endDeviation);
        var mixture = new MixtureDefinition(means, endDeviation);
        var d = mixture.Dimension;
        Expr Deviation(Expr t) => startDeviation + (t * (endDeviation - startDeviation));
        Expr Exponents(Expr x, Expr t) => mixture.SquaredDistances(x, t) * (-0.5 / Deviation(t).Square());
        var constant = -Math.Log(means.Length) - (d * LogDensities.HalfLogTwoPi);
        Expr Drift(Expr x, Expr t)
        {
            var growth = (endDeviation - startDeviation) / Deviation(t);
            return (growth * x) + ((1 - (t * growth)) * AverageMean(mixture, Exponents(x, t)));
        }

        // Of a mixture: the average of the squared scores and Laplacians of the components, less the squared average score.
        Expr Laplacian(Expr x, Expr t)
        {
            var (exponents, precision) = (Exponents(x, t), 1 / Deviation(t).Square());
            var score = precision * ((t * AverageMean(mixture, exponents)) - x);
            return (-2 * precision * Expr.Dot(exponents.Softmax(0), exponents)) - (d * precision) - score.SquaredNorm();
        }

        var path = new FormulaPath(
            d, (x, t) => Exponents(x, t).LogSumExp() + constant - (d * Deviation(t).Log()), stream => startDeviation * Expr.Random(RandomLaw.Normal, stream, d),
            FormattableString.Invariant($"means of the mixture from the origin, standard deviation from {startDeviation:g4} to {endDeviation:g4}"), true,
            Laplacian);
        return new LibraryPath(path, new FormulaField(d, Drift));
    }

    /// <summary>
    /// A mixture of equal products of Student's t with two degrees of freedom whose means leave the origin: the base is the product law itself, drawn by its
    /// quantile (2u - 1) / sqrt(2 u (1 - u)), and the exact drift is the average sum_k r_k(x) mu_k of the components' velocities.
    /// </summary>
    /// <param name="means">mu_k [K][d].</param>
    public static LibraryPath StudentMixture(double[][] means)
    {
        var mixture = new MixtureDefinition(means, 1);
        var d = mixture.Dimension;
        Expr Draw(int stream)
        {
            var u = Expr.Random(RandomLaw.Uniform, stream, d);
            return ((2 * u) - 1) / (2 * u * (1 - u)).Sqrt();
        }

        var path = new FormulaPath(
            d, (x, t) => StudentMixtures.LogComponents(mixture, x, t).LogSumExp() - Math.Log(means.Length), Draw, "means of the mixture from the origin", true);
        return new LibraryPath(path, new FormulaField(d, (x, t) => AverageMean(mixture, StudentMixtures.LogComponents(mixture, x, t))));
    }

    /// <summary>
    /// A lattice field whose coupling is switched on while its mass moves: m_t^2 = (1-t) m_0^2 + t m_1^2, lambda_t = t lambda, from the free field of mass m_0,
    /// drawn exactly by the symmetric root of its covariance. Nothing is known of its modes. No exact drift is known.
    /// </summary>
    /// <param name="field">The field at the end.</param>
    /// <param name="startMassSquared">m_0^2, above 0; null for the solution of Hartree's equation, for which the effective
    /// mass doesn't move along the path.</param>
    public static LibraryPath Lattice(LatticeField field, double? startMassSquared = null)
    {
        ArgumentNullException.ThrowIfNull(field);
        var start = startMassSquared ?? field.HartreeMassSquared();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(start, nameof(startMassSquared));
        var normaliser = field.FreeLogNormaliser(start);
        var root = Expr.Constant(field.FreeFieldRoot(start), field.Sites, field.Sites);
        var path = new FormulaPath(
            field.Sites, (x, t) => field.LogDensity(x, start + (t * (field.MassSquared - start)), t * field.Coupling) - ((1 - t) * normaliser),
            stream => Expr.MatrixProduct(root, Expr.Random(RandomLaw.Normal, stream, field.Sites)),
            FormattableString.Invariant($"m^2 from {start:g4} to {field.MassSquared:g4}, lambda from 0 to {field.Coupling:g4}"));
        return new LibraryPath(path, null);
    }

    /// <summary>
    /// Neal's funnel whose neck opens with time: x_0 ~ N(0, 3^2), the others N(0, exp(t x_0)), with the exact drift b_0 = 0, b_i = x_0 x_i / 2. It
    /// knows which coordinate is the log-scale.
    /// </summary>
    /// <param name="dimension">d, at least 2.</param>
    public static LibraryPath Funnel(int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 2);
        var path = new FormulaPath(
            dimension, Curved.FunnelLogDensity, stream => FirstWidened(dimension, Curved.NeckDeviation, stream),
            "log-scale coupled to the neck from 0 to 1", true);
        return new LibraryPath(path, new FormulaField(dimension, (x, _) => Expr.Concat(0, 0 * x[..1], 0.5 * x[0] * x[1..])));
    }

    /// <summary>
    /// The hierarchical funnel whose log-scales are coupled with time: v ~ N(0, 2^2), w_g ~ N(t v, 1), members ~ N(0, exp(t w_g)), with the exact drift b_v =
    /// 0, b_g = v and b_i = x_i (w_g + t v) / 2. It knows the hierarchy.
    /// </summary>
    /// <param name="dimension">d, at least 7.</param>
    public static LibraryPath HierarchicalFunnels(int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, HierarchicalFunnel.LeastDimension);
        const int Groups = HierarchicalFunnel.Groups;
        var groupOf = HierarchicalFunnel.GroupOfMembers(dimension);
        Expr Drift(Expr x, Expr t)
        {
            var (common, groups) = (x[0], x[1..(1 + Groups)]);
            var rate = 0.5 * (groups + (t * common));
            return Expr.Concat(0, 0 * x[..1], common + (0 * groups), x[(1 + Groups)..] * rate.Gather(0, groupOf));
        }

        var path = new FormulaPath(
            dimension, HierarchicalFunnel.LogDensity, stream => FirstWidened(dimension, HierarchicalFunnel.CommonDeviation, stream),
            "log-scales of the hierarchy coupled from 0 to 1", true);
        return new LibraryPath(path, new FormulaField(dimension, Drift));
    }

    // Standard normals but for the first. One product, no concatenation: slices of that would bypass the draw itself,
    // and nothing could be differentiated by it.
    private static Expr FirstWidened(int dimension, double deviation, int stream) =>
        Expr.Constant([deviation, .. Enumerable.Repeat(1.0, dimension - 1)], dimension) * Expr.Random(RandomLaw.Normal, stream, dimension);

    private static LibraryPath? ForMixture(TargetName name)
    {
        if (name.Size("student-t-mixture") is { } students)
        {
            return StudentMixture(StudentMixtures.Definition(students).Means);
        }

        var mixture = name.Proper switch
        {
            "gmm9" => GaussianMixtures.Nine(),
            "gmm40" => GaussianMixtures.Forty(),
            _ when name.Size("gmm40") is { } d => GaussianMixtures.Forty(d),
            _ when name.Size("gmm8") is { } d => GaussianMixtures.Eight(d),
            _ => null,
        };
        return mixture is null ? null : GaussianMixture(mixture.Means, (mixture.Dimension == 2 ? PlanarWidening : 1) * mixture.Deviation, mixture.Deviation);
    }

    private static LibraryPath? ForOther(TargetName name, int dimension)
    {
        if (LatticeTargets.TryField(name) is { } field)
        {
            return Lattice(field);
        }

        if (name.Size("shifted-gaussian") is not null)
        {
            var (shift, scale) = Gaussians.ShiftedSettings(name);
            return GaussianMixture([[.. Enumerable.Repeat(shift / Math.Sqrt(dimension), dimension)]], 1, scale);
        }

        return name.Size("funnel") is not null ? Funnel(dimension) : name.Size("hierarchical-funnel") is not null ? HierarchicalFunnels(dimension) : null;
    }

    // A density of a user's own may carry the name of another: the path must end at this one.
    private static bool EndsAt(FormulaPath path, Density target)
    {
        if (path.Dimension != target.Dimension)
        {
            return false;
        }

        double[] at = [.. Enumerable.Range(0, target.Dimension).Select(i => Math.Sin(i + 1))];
        var x = Expr.Input("x", target.Dimension);
        var end = ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("end", path.LogDensity(x, 1))), 1, new Dictionary<string, double[]> { ["x"] = at }, [])["end"][0];
        var own = target.LogDensityAt(at)[0];
        return Math.Abs(end - own) <= 1e-9 * (1 + Math.Abs(own));
    }

    // sum_k r_k mu_k for responsibilities r proportional to the exponentials of log densities [K].
    private static Expr AverageMean(MixtureDefinition mixture, Expr logComponents)
    {
        var (components, d) = (mixture.Means.Length, mixture.Dimension);
        var means = Expr.Constant([.. Enumerable.Range(0, d).SelectMany(i => mixture.Means.Select(m => m[i]))], d, components);
        return Expr.MatrixProduct(means, logComponents.Softmax(0));
    }
}
