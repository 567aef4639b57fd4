using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Objectives;
using Monge.Paths;

namespace Monge.Gallery.Entries;

/// <summary>A loss of the paper's table between two Gaussians of the plane, ready to train.</summary>
/// <param name="Parameters">The networks' parameters.</param>
/// <param name="Initializer">How they start.</param>
/// <param name="Residual">The residuals at a random point of the collocation law, stacked.</param>
/// <param name="Field">The learned field: of the unique losses the one that is compared, of the general ones the velocity of the flow.</param>
/// <param name="Exact">The closed form that <paramref name="Field"/> is compared with; null where the loss has many solutions.</param>
/// <param name="Law">From a time and a standard normal draw [d] to a draw of the exact law at that time; null with <paramref name="Exact"/>.</param>
/// <param name="LogDensity">The learned V(x, t); null if V is prescribed, or learned as a function of another clock.</param>
/// <param name="Slope">c(t), whose integral is log Z; null without one.</param>
internal sealed record GaussianModel(
    ParameterSet Parameters,
    ParameterInitializer Initializer,
    Expr Residual,
    IVectorField Field,
    Func<Expr, Expr, Expr>? Exact,
    Func<Expr, Expr, Expr>? Law,
    LogDensityNetwork? LogDensity = null,
    Func<Expr, Expr>? Slope = null)
{
    /// <summary>Where log z lies in the parameters; null without one.</summary>
    public int? LogNormaliserOffset => LogDensity?.LogNormaliserOffset;
}

/// <summary>
/// The evolutions of arXiv:2407.07873 from N(0, I) to a Gaussian of the plane that is given unnormalised, each with its loss and, where the loss has one
/// solution, its closed form. Potentials are a hidden layer of tanh units and a quadratic form whose coefficients are a network of time.
/// </summary>
internal static class GaussianEvolutions
{
    /// <summary>d.</summary>
    public const int Dimension = 2;

    /// <summary>The target's standard deviation.</summary>
    public const double EndScale = 0.6;

    /// <summary>eps of the stochastic evolutions whose noise is constant.</summary>
    public const double Noise = 0.5;

    // Purposes of random streams.
    private static readonly StreamName s_positionStream = StreamName.Numbered("gaussian evolutions: position", 40);
    private static readonly StreamName s_timeStream = StreamName.Numbered("gaussian evolutions: time", 41);

    private const int TimeWidth = 16;

    // Half-width of the box of collocation points in standard deviations, and the weight of |b|^2 that chooses among the solutions of the general losses.
    private const double BoxHalfWidth = 3;
    private const double KineticPenalty = 1e-4;

    private static readonly double[] s_endMean = [1.5, -1.0];
    private static readonly VariancePreservingNoise s_noising = new(Dimension, 0.1, 10);
    private static readonly Expr s_time = Expr.Random(RandomLaw.Uniform, s_timeStream);

    /// <summary>log Z of the target.</summary>
    public static double LogZ { get; } = 0.5 * Dimension * Math.Log(2 * Math.PI * EndScale * EndScale);

    /// <summary>The target's mean.</summary>
    public static IReadOnlyList<double> EndMean => s_endMean;

    /// <summary>The geometric path to the unnormalised target.</summary>
    public static AnnealingPath Path { get; } = new(Dimension, x => -0.5 / (EndScale * EndScale) * (x - Expr.Constant(s_endMean, Dimension)).SquaredNorm());

    /// <summary>The exact annealing.</summary>
    public static GaussianAnnealing Annealing { get; } = new(new double[Dimension], 1, s_endMean, EndScale);

    /// <summary>The exact Schroedinger bridge.</summary>
    public static GaussianBridge Bridge { get; } = new(new double[Dimension], 1, s_endMean, EndScale, Noise);

    /// <summary>The exact optimal transport.</summary>
    public static GaussianBridge Transport { get; } = new(new double[Dimension], 1, s_endMean, EndScale, 0);

    /// <summary>The exact time reversal.</summary>
    public static MixtureTimeReversal Reversal { get; } = new([1], [s_endMean], [EndScale], s_noising);

    /// <summary>The losses, by the names under which they are reported: first those with one solution. A model is built for a number of hidden units.</summary>
    public static IReadOnlyList<(string Name, bool IsUnique, Func<int, GaussianModel> Build)> Losses { get; } =
    [
        ("annealing, deterministic", true, DeterministicAnnealing),
        ("annealing, stochastic", true, StochasticAnnealing),
        ("time reversal", true, TimeReversal),
        ("Schroedinger bridge", true, SchroedingerBridge),
        ("optimal transport", true, OptimalTransport),
        ("general, stochastic", false, GeneralStochastic),
        ("general, deterministic", false, GeneralDeterministic),
    ];

    private static GaussianModel DeterministicAnnealing(int width)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var velocity = new PotentialField(Dimension, Potential(parameters, initializer, "potential", width).Apply);
        var slope = new TimeNetwork(parameters, initializer, "slope", 1, TimeWidth, frequencies: 0);
        var residual = ContinuityResidual.Exact(Path, velocity, slope.Apply(s_time)[0], InterpolatedBox(), s_time);
        return new GaussianModel(parameters, initializer, residual, velocity, Annealing.Drift, AnnealingLaw, Slope: t => slope.Apply(t)[0]);
    }

    // Compared is w, the part beside the given eps grad V: the whole drift would look nearer.
    private static GaussianModel StochasticAnnealing(int width)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var velocity = new PotentialField(Dimension, Potential(parameters, initializer, "potential", width).Apply);
        var slope = new TimeNetwork(parameters, initializer, "slope", 1, TimeWidth, frequencies: 0);
        var drift = TransportFields.FokkerPlanckDrift(velocity, Path.LogDensity, _ => Noise);
        var residual = LogDensityResiduals.FokkerPlanck(Path.LogDensity, drift, Noise, InterpolatedBox(), s_time) - slope.Apply(s_time)[0];
        return new GaussianModel(parameters, initializer, residual, velocity, Annealing.Drift, AnnealingLaw, Slope: t => slope.Apply(t)[0]);
    }

    // V is learned as a function of u = e^(-B/2), which runs from nearly 0 to 1: under a variance-preserving noising the law is a smooth function of u, and
    // every term of the residual carries the same factor beta, so that the problem is as easy at rates of 0.1 to 10 as at a constant one.
    private static GaussianModel TimeReversal(int width)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var v = new LogDensityNetwork(
            parameters, initializer, "logDensity", Path, Potential(parameters, initializer, "correction", width).Apply, LogDensityBoundary.TargetOnly);
        Expr LogDensity(Expr x, Expr t) => v.LogDensity(x, (-0.5 * s_noising.Integral(t)).Exp());
        var box = ReversalLaw(s_time, UnitBox());
        var residual = LogDensityResiduals.TimeReversal(LogDensity, s_noising.Drift, s_noising.Diffusion(s_time), box, s_time);
        var drift = TransportFields.TimeReversal(s_noising.Drift, LogDensity, s_noising.Diffusion);
        return new GaussianModel(parameters, initializer, residual, drift, Reversal.Drift, ReversalLaw);
    }

    private static GaussianModel SchroedingerBridge(int width)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var v = new LogDensityNetwork(parameters, initializer, "logDensity", Path, Potential(parameters, initializer, "correction", width).Apply);
        var potential = Potential(parameters, initializer, "potential", width);
        var drift = TransportFields.Bridge(Dimension, null, potential.Apply, _ => Noise);
        var box = InterpolatedBox();
        var residual = Expr.Vector(
            LogDensityResiduals.FokkerPlanck(v.LogDensity, drift, Noise, box, s_time),
            LogDensityResiduals.HamiltonJacobiBellman(potential.Apply, null, Noise, box, s_time));
        return new GaussianModel(parameters, initializer, residual, drift, Bridge.Drift, BridgeLaw(Bridge), v);
    }

    private static GaussianModel OptimalTransport(int width)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var v = new LogDensityNetwork(parameters, initializer, "logDensity", Path, Potential(parameters, initializer, "correction", width).Apply);
        var potential = Potential(parameters, initializer, "potential", width);
        var velocity = new PotentialField(Dimension, potential.Apply);
        var box = InterpolatedBox();
        var residual = Expr.Vector(
            LogDensityResiduals.Continuity(v.LogDensity, velocity, box, s_time), LogDensityResiduals.HamiltonJacobi(potential.Apply, box, s_time));
        return new GaussianModel(parameters, initializer, residual, velocity, Transport.Drift, BridgeLaw(Transport), v);
    }

    private static GaussianModel GeneralStochastic(int width)
    {
        var (parameters, initializer, v, drift) = General(width);
        var box = InterpolatedBox();
        var residual = Expr.Concat(
            0, LogDensityResiduals.FokkerPlanck(v.LogDensity, drift, Noise, box, s_time).Reshape(1),
            Math.Sqrt(KineticPenalty) * drift.Apply(box.StopGradient(), s_time));
        return new GaussianModel(parameters, initializer, residual, TransportFields.ProbabilityFlow(drift, v.LogDensity, _ => Noise), null, null, v);
    }

    private static GaussianModel GeneralDeterministic(int width)
    {
        var (parameters, initializer, v, velocity) = General(width);
        var box = InterpolatedBox();
        var residual = Expr.Concat(
            0, LogDensityResiduals.Continuity(v.LogDensity, velocity, box, s_time).Reshape(1),
            Math.Sqrt(KineticPenalty) * velocity.Apply(box.StopGradient(), s_time));
        return new GaussianModel(parameters, initializer, residual, velocity, null, null, v);
    }

    private static (ParameterSet Parameters, ParameterInitializer Initializer, LogDensityNetwork LogDensity, DriftNetwork Drift) General(int width)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var v = new LogDensityNetwork(parameters, initializer, "logDensity", Path, Potential(parameters, initializer, "correction", width).Apply);
        return (parameters, initializer, v, new DriftNetwork(parameters, initializer, Dimension, 2 * width, depth: 1, frequencies: 1));
    }

    private static ScalarNetwork Potential(ParameterSet parameters, ParameterInitializer initializer, string name, int width) =>
        new(parameters, initializer, name, Dimension, width, depth: 1, frequencies: 1, quadratic: true, quadraticWidth: 12);

    private static Expr UnitBox() => BoxHalfWidth * ((2 * Expr.Random(RandomLaw.Uniform, s_positionStream, Dimension)) - 1);

    /// <summary>A uniform point of the box whose centre and width move linearly from the base's to the target's.</summary>
    private static Expr InterpolatedBox() => (s_time * Expr.Constant(s_endMean, Dimension)) + (((1 - s_time) + (s_time * EndScale)) * UnitBox());

    private static Expr AnnealingLaw(Expr t, Expr z)
    {
        var precision = (1 - t) + (t / (EndScale * EndScale));
        return (t / (EndScale * EndScale) * Expr.Constant(s_endMean, Dimension) / precision) + (z / precision.Sqrt());
    }

    private static Expr ReversalLaw(Expr t, Expr z)
    {
        var shrink = (-s_noising.Integral(t)).Exp();
        return (shrink.Sqrt() * Expr.Constant(s_endMean, Dimension)) + (((EndScale * EndScale * shrink) + 1 - shrink).Sqrt() * z);
    }

    private static Func<Expr, Expr, Expr> BridgeLaw(GaussianBridge bridge) => (t, z) => bridge.Mean(t) + (bridge.Variance(t).Sqrt() * z);
}
