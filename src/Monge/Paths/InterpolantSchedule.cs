using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// The scalars alpha(t), beta(t), gamma(t) of a spatially linear interpolant x_t = alpha x_0 + beta x_1 + gamma z, t from 0 (base) to 1 (data) (M. Albergo, N.
/// Boffi, E. Vanden-Eijnden, arXiv:2303.08797, sections 2 and 4). A schedule ends where it should if alpha(0) = beta(1) = 1 (alpha(0) the base's deviation for
/// one-sided ones) and alpha(1) = beta(0) = gamma(0) = gamma(1) = 0.
/// </summary>
/// <remarks>
/// Rates are taken by the engine. Where a rate is infinite at an end but its product with the scalar is not, as for square roots, the closed form of the
/// product is given beside the scalar, and whoever needs the product uses it: velocities and scores of Gaussians need nothing else.
/// </remarks>
public sealed class InterpolantSchedule
{
    private const int WorthCompiling = 2000;

    private static readonly string[] s_outputs =
        ["alpha", "beta", "gamma", "alphaRate", "betaRate", "gammaRate", "alphaAlphaRate", "betaBetaRate", "gammaGammaRate"];

    private readonly Func<Expr, Expr> _alpha;
    private readonly Func<Expr, Expr> _beta;
    private readonly Func<Expr, Expr>? _gamma;
    private readonly Func<Expr, Expr>? _gammaGammaRate;
    private readonly Func<Expr, Expr>? _alphaAlphaRate;
    private readonly Func<Expr, Expr>? _betaBetaRate;
    private readonly Lazy<TracedProgram> _program;

    /// <summary>Makes a schedule.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="alpha">alpha(t) of a traced time, elementwise.</param>
    /// <param name="beta">beta(t).</param>
    /// <param name="gamma">gamma(t); null for none.</param>
    /// <param name="gammaGammaRate">gamma dgamma/dt in closed form; null to take gamma times its engine-made rate, which is not
    /// a number where that is infinite.</param>
    /// <param name="alphaAlphaRate">alpha dalpha/dt in closed form; null likewise.</param>
    /// <param name="betaBetaRate">beta dbeta/dt in closed form; null likewise.</param>
    public InterpolantSchedule(
        string name,
        Func<Expr, Expr> alpha,
        Func<Expr, Expr> beta,
        Func<Expr, Expr>? gamma = null,
        Func<Expr, Expr>? gammaGammaRate = null,
        Func<Expr, Expr>? alphaAlphaRate = null,
        Func<Expr, Expr>? betaBetaRate = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(alpha);
        ArgumentNullException.ThrowIfNull(beta);
        (Name, _alpha, _beta, _gamma) = (name, alpha, beta, gamma);
        (_gammaGammaRate, _alphaAlphaRate, _betaBetaRate) = (gammaGammaRate, alphaAlphaRate, betaBetaRate);
        _program = new Lazy<TracedProgram>(Trace);
    }

    /// <summary>Its name; for those of <see cref="InterpolantSchedules"/> the name that <see cref="InterpolantSchedules.Get"/> takes.</summary>
    public string Name { get; }

    /// <summary>Whether there is a latent variable z, that is gamma isn't 0.</summary>
    public bool HasLatent => _gamma is not null;

    /// <summary>From alpha and beta, up to a common factor, to the time at which the schedule has them, in closed form; null if none is known.</summary>
    internal Func<Expr, Expr, Expr>? TimeOf { get; init; }

    /// <summary>alpha(t).</summary>
    public Expr Alpha(Expr t) => _alpha(t);

    /// <summary>beta(t).</summary>
    public Expr Beta(Expr t) => _beta(t);

    /// <summary>gamma(t); 0 without a latent variable.</summary>
    public Expr Gamma(Expr t) => _gamma is null ? 0 : _gamma(t);

    /// <summary>dalpha/dt.</summary>
    public Expr AlphaRate(Expr t) => Rate(_alpha, t);

    /// <summary>dbeta/dt.</summary>
    public Expr BetaRate(Expr t) => Rate(_beta, t);

    /// <summary>dgamma/dt; 0 without a latent variable. Infinite at the ends if gamma is a square root there.</summary>
    public Expr GammaRate(Expr t) => _gamma is null ? 0 : Rate(_gamma, t);

    /// <summary>alpha dalpha/dt.</summary>
    public Expr AlphaAlphaRate(Expr t) => _alphaAlphaRate is null ? _alpha(t) * AlphaRate(t) : _alphaAlphaRate(t);

    /// <summary>beta dbeta/dt.</summary>
    public Expr BetaBetaRate(Expr t) => _betaBetaRate is null ? _beta(t) * BetaRate(t) : _betaBetaRate(t);

    /// <summary>gamma dgamma/dt; 0 without a latent variable.</summary>
    public Expr GammaGammaRate(Expr t) => _gamma is null ? 0 : _gammaGammaRate is null ? _gamma(t) * GammaRate(t) : _gammaGammaRate(t);

    /// <summary>All scalars at a time.</summary>
    /// <param name="t">The time.</param>
    public ScheduleValues At(double t) => At([t])[0];

    /// <summary>All scalars at times.</summary>
    /// <param name="times">The times [n], n at least 1.</param>
    public ScheduleValues[] At(params ReadOnlySpan<double> times)
    {
        ArgumentOutOfRangeException.ThrowIfZero(times.Length, nameof(times));
        return times.Length < WorthCompiling ? Interpret(times) : Compile(times);
    }

    private ScheduleValues[] Interpret(ReadOnlySpan<double> times)
    {
        var values = ReferenceInterpreter.Evaluate(_program.Value, times.Length, new Dictionary<string, double[]> { ["t"] = times.ToArray() }, []);
        return Collect(times, output => values[output]);
    }

    private ScheduleValues[] Compile(ReadOnlySpan<double> times)
    {
        var n = times.Length;
        using var run = new CompiledProgram<double>(_program.Value, new ExecutionOptions { Threads = 1 });
        var outputs = _program.Value.Outputs.ToDictionary(o => o.Name, o => new NdArray<double>(o.Value.IsUniform ? 1 : n));
        if (_program.Value.Inputs.Count > 0)
        {
            run["t"] = NdArray<double>.From(times, n);
        }

        foreach (var (name, value) in _program.Value.Outputs)
        {
            if (!value.IsUniform)
            {
                run[name] = outputs[name];
            }
        }

        run.Run(n);
        return Collect(times, output => [.. _program.Value.Outputs.Single(o => o.Name == output).Value.IsUniform ? run[output].Span : outputs[output].Span]);
    }

    private static ScheduleValues[] Collect(ReadOnlySpan<double> times, Func<string, double[]> output)
    {
        var columns = s_outputs.ToDictionary(name => name, output);
        double Of(string name, int i) => columns[name] is { Length: 1 } uniform ? uniform[0] : columns[name][i];
        var result = new ScheduleValues[times.Length];
        for (var i = 0; i < times.Length; i++)
        {
            result[i] = new ScheduleValues(
                times[i], Of("alpha", i), Of("beta", i), Of("gamma", i), Of("alphaRate", i), Of("betaRate", i), Of("gammaRate", i), Of("alphaAlphaRate", i),
                Of("betaBetaRate", i), Of("gammaGammaRate", i));
        }

        return result;
    }

    /// <summary>The same alpha and beta with a latent variable.</summary>
    /// <param name="latent">gamma.</param>
    public InterpolantSchedule WithLatent(LatentScale latent) =>
        new($"{Name}+{latent.Name}", _alpha, _beta, latent.Gamma, latent.GammaGammaRate, _alphaAlphaRate, _betaBetaRate);

    /// <summary>The schedule run on another clock: alpha(tau(t)) and so on, the curve of laws unchanged.</summary>
    /// <param name="name">The name of the new schedule.</param>
    /// <param name="clock">tau(t), rising from 0 to 1.</param>
    public InterpolantSchedule OnClock(string name, Func<Expr, Expr> clock)
    {
        Func<Expr, Expr> After(Func<Expr, Expr> scalar) => t => scalar(clock(t));
        Func<Expr, Expr>? Product(Func<Expr, Expr>? product) => product is null ? null : t => product(clock(t)) * Rate(clock, t);
        return new InterpolantSchedule(
            name, After(_alpha), After(_beta), _gamma is null ? null : After(_gamma), Product(_gammaGammaRate),
            Product(_alphaAlphaRate), Product(_betaBetaRate));
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The derivative of an elementwise function of time; a constant time is differentiated at and the number returned.</summary>
    internal static Expr Rate(Func<Expr, Expr> scalar, Expr t)
    {
        if (!t.IsConstant)
        {
            return Derivative.Gradient(scalar(t).Sum(), t);
        }

        var leaf = Expr.Input("time");
        var rate = Derivative.Gradient(scalar(leaf), leaf);
        double Number(Expr value, double time) =>
            ReferenceInterpreter.Evaluate(new TracedProgram(null, ("value", value)), 1, new Dictionary<string, double[]> { ["time"] = [time] }, [])["value"][0];
        double[] rates = [.. Enumerable.Range(0, t.Size).Select(i => Number(rate, Number(t.Reshape(t.Size)[i], 0)))];
        return Expr.Constant(rates, t.Shape.Sizes);
    }

    private TracedProgram Trace()
    {
        var t = Expr.Input("t");
        return new TracedProgram(
            null,
            ("alpha", Alpha(t)), ("beta", Beta(t)), ("gamma", Gamma(t)),
            ("alphaRate", AlphaRate(t)), ("betaRate", BetaRate(t)), ("gammaRate", GammaRate(t)),
            ("alphaAlphaRate", AlphaAlphaRate(t)), ("betaBetaRate", BetaBetaRate(t)), ("gammaGammaRate", GammaGammaRate(t)));
    }
}

/// <summary>The scalars of a schedule at a time.</summary>
/// <param name="Time">t.</param>
/// <param name="Alpha">alpha.</param>
/// <param name="Beta">beta.</param>
/// <param name="Gamma">gamma.</param>
/// <param name="AlphaRate">dalpha/dt.</param>
/// <param name="BetaRate">dbeta/dt.</param>
/// <param name="GammaRate">dgamma/dt.</param>
/// <param name="AlphaAlphaRate">alpha dalpha/dt, finite also where the rate isn't.</param>
/// <param name="BetaBetaRate">beta dbeta/dt, likewise.</param>
/// <param name="GammaGammaRate">gamma dgamma/dt, likewise.</param>
public readonly record struct ScheduleValues(
    double Time, double Alpha, double Beta, double Gamma, double AlphaRate, double BetaRate, double GammaRate, double AlphaAlphaRate,
    double BetaBetaRate, double GammaGammaRate);
