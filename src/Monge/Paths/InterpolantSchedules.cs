using System.Collections.Concurrent;
using System.Globalization;
using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>The schedules that have a name (arXiv:2303.08797, table 8; arXiv:2509.01629; arXiv:2403.13724).</summary>
public static class InterpolantSchedules
{
    /// <summary>alpha = 1 - t, beta = t.</summary>
    public static InterpolantSchedule Linear { get; } = new("linear", t => 1 - t, t => t) { TimeOf = (a, b) => b / (a + b) };

    /// <summary>alpha = cos(pi t / 2), beta = sin(pi t / 2): keeps the covariance of whitened independent ends.</summary>
    public static InterpolantSchedule Trigonometric { get; } =
        new("trigonometric", t => (0.5 * Math.PI * t).Cos(), t => (0.5 * Math.PI * t).Sin()) { TimeOf = (a, b) => Expr.Atan2(b, a) * (2 / Math.PI) };

    /// <summary>alpha = cos(pi t)^2 up to t = 1/2, beta = cos(pi t)^2 from there, gamma = sin(pi t)^2: each end is turned into noise and back.</summary>
    public static InterpolantSchedule EncoderDecoder { get; } = new(
        "encoder-decoder",
        t => Expr.Select(t.Less(0.5), (Math.PI * t).Cos().Square(), 0),
        t => Expr.Select(t.Greater(0.5), (Math.PI * t).Cos().Square(), 0),
        LatentScale.SineSquared.Gamma,
        LatentScale.SineSquared.GammaGammaRate);

    /// <summary>alpha = sqrt(1 - t^2), beta = t: the Ornstein-Uhlenbeck noising on the clock exp(-tau) = t.</summary>
    public static InterpolantSchedule VariancePreserving { get; } =
        new("variance-preserving", t => (1 - t.Square()).Sqrt(), t => t, alphaAlphaRate: t => -t) { TimeOf = (a, b) => b / (a.Square() + b.Square()).Sqrt() };

    /// <summary>alpha = 1 - t, beta = t, gamma = sqrt(t) (1 - t) (arXiv:2403.13724, in law).</summary>
    public static InterpolantSchedule Foellmer { get; } = new("foellmer", t => 1 - t, t => t, t => t.Sqrt() * (1 - t), t => 0.5 * (1 - t) * (1 - (3 * t)));

    private static readonly (string Name, string Description, Func<double?, InterpolantSchedule> Make)[] s_all =
    [
        ("linear", "1-t | t", a => Plain(a, () => Linear)),
        ("linear-latent", "1-t | t | sqrt(a t(1-t)); a after a colon, 1 without", a => LinearWithLatent(a ?? 1)),
        ("trigonometric", "cos(pi t/2) | sin(pi t/2)", a => Plain(a, () => Trigonometric)),
        ("trigonometric-latent", "sqrt(1-g^2) cos(pi t/2) | sqrt(1-g^2) sin(pi t/2) | g = sqrt(a t(1-t)); a after a colon, at most 4, 1 without",
            a => TrigonometricWithLatent(a ?? 1)),
        ("encoder-decoder", "cos^2(pi t) up to 1/2 | cos^2(pi t) from 1/2 | sin^2(pi t): to noise and back", a => Plain(a, () => EncoderDecoder)),
        ("variance-preserving", "sqrt(1-t^2) | t, for a Gaussian base", a => Plain(a, () => VariancePreserving)),
        ("variance-exploding", "s(1-t) | t, a Gaussian base of deviation s; s after a colon, 10 without", a => VarianceExploding(a ?? 10)),
        ("diffusion", "the noising diffusion with rates from 0.1 to 20: sqrt(1-exp(-B)) | exp(-B/2), for a Gaussian base", a => Plain(a, () => Diffusion())),
        ("foellmer", "1-t | t | sqrt(t)(1-t): a latent variable that starts like a Brownian motion", a => Plain(a, () => Foellmer)),
        ("designed", "sqrt((M-M^t)/(M-1)) | sqrt((M^t-1)/(M-1)), for data of least variance M; M after a colon, 0.01 without", a => Designed(a ?? 0.01)),
    ];

    private static readonly ConcurrentDictionary<string, InterpolantSchedule> s_own = new(StringComparer.Ordinal);

    /// <summary>The names for the command line, those of a program's own last.</summary>
    public static IReadOnlyList<string> Names => [.. s_all.Select(s => s.Name), .. s_own.Keys.Order(StringComparer.Ordinal)];

    /// <summary>
    /// Adds a schedule of a program's own: fits then take it by its name, and models that were fitted along it are read where the program has added it again.
    /// </summary>
    /// <param name="schedule">The schedule; its name holds no colon.</param>
    /// <exception cref="ArgumentException">There is a schedule of that name, or the name holds a colon.</exception>
    public static void Add(InterpolantSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (schedule.Name.Contains(':', StringComparison.Ordinal))
        {
            throw new ArgumentException($"A number would follow the colon of '{schedule.Name}'; give the schedule a name without one.", nameof(schedule));
        }

        if (s_all.Any(s => s.Name == schedule.Name) || !s_own.TryAdd(schedule.Name, schedule))
        {
            throw new ArgumentException($"There is a schedule '{schedule.Name}' already; give yours another name.", nameof(schedule));
        }
    }

    /// <summary>alpha = 1 - t, beta = t, gamma = sqrt(a t (1 - t)).</summary>
    /// <param name="a">a, above 0.</param>
    public static InterpolantSchedule LinearWithLatent(double a = 1)
    {
        var latent = LatentScale.Brownian(a);
        return new InterpolantSchedule(Named("linear-latent", a, 1), t => 1 - t, t => t, latent.Gamma, latent.GammaGammaRate);
    }

    /// <summary>
    /// alpha = sqrt(1 - gamma^2) cos(pi t / 2), beta = sqrt(1 - gamma^2) sin(pi t / 2), gamma = sqrt(a t (1 - t)): alpha^2 + beta^2 + gamma^2 = 1.
    /// </summary>
    /// <param name="a">a, above 0 and below 4.</param>
    public static InterpolantSchedule TrigonometricWithLatent(double a = 1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(a, 4);
        var latent = LatentScale.Brownian(a);
        Expr Rest(Expr t) => (1 - (a * t * (1 - t))).Sqrt();
        return new InterpolantSchedule(
            Named("trigonometric-latent", a, 1), t => Rest(t) * (0.5 * Math.PI * t).Cos(), t => Rest(t) * (0.5 * Math.PI * t).Sin(),
            latent.Gamma, latent.GammaGammaRate);
    }

    /// <summary>alpha = s (1 - t), beta = t: the base has deviation s, many times that of the data.</summary>
    /// <param name="deviation">s, above 0.</param>
    public static InterpolantSchedule VarianceExploding(double deviation = 10)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        return new InterpolantSchedule(Named("variance-exploding", deviation, 10), t => deviation * (1 - t), t => t);
    }

    /// <summary>
    /// The variance-preserving noising diffusion with linear rates, run backwards: beta = exp(-B/2), alpha = sqrt(1 - exp(-B)), B(t) = (1-t) r_0 + (1-t)^2 (r_1
    /// - r_0) / 2. At t = 0 a share beta = exp(-(r_0 + r_1) / 4) of the data is left, 0.0066 for the usual rates, so the base is not quite Gaussian.
    /// </summary>
    /// <param name="slowest">r_0, at the data; above 0.</param>
    /// <param name="fastest">r_1, at the base; at least r_0.</param>
    public static InterpolantSchedule Diffusion(double slowest = 0.1, double fastest = 20)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slowest);
        ArgumentOutOfRangeException.ThrowIfLessThan(fastest, slowest);
        Expr Integral(Expr t) => ((1 - t) * slowest) + (0.5 * (fastest - slowest) * (1 - t).Square());
        Expr Rate(Expr t) => slowest + ((fastest - slowest) * (1 - t));
        return new InterpolantSchedule(
            "diffusion", t => (-(-Integral(t)).Expm1()).Sqrt(), t => (-0.5 * Integral(t)).Exp(), alphaAlphaRate: t => -0.5 * Rate(t) * (-Integral(t)).Exp());
    }

    /// <summary>
    /// The variance-preserving schedule with the least averaged squared Lipschitz constant for a Gaussian of variance M: alpha^2 + beta^2 M = M^t
    /// (Y. Chen, E. Vanden-Eijnden, J. Xu, arXiv:2509.01629, formula 3.6). For data of several variances M is the smallest, or the largest if all exceed 1.
    /// </summary>
    /// <param name="variance">M, above 0; at 1 the schedule is its limit sqrt(1 - t), sqrt(t).</param>
    public static InterpolantSchedule Designed(double variance)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(variance);
        var name = Named("designed", variance, 0.01);
        var log = Math.Log(variance);
        if (Math.Abs(log) < 1e-9)
        {
            return new InterpolantSchedule(name, t => (1 - t).Sqrt(), t => t.Sqrt(), alphaAlphaRate: t => -0.5 + (0 * t), betaBetaRate: t => 0.5 + (0 * t));
        }

        // Both squares by expm1, so that neither loses its digits at its own end.
        var scale = variance - 1;
        Expr Slope(Expr t) => 0.5 * log / scale * (log * t).Exp();
        return new InterpolantSchedule(
            name,
            t => (-variance / scale * (-log * (1 - t)).Expm1()).Sqrt(),
            t => ((log * t).Expm1() / scale).Sqrt(),
            alphaAlphaRate: t => -Slope(t),
            betaBetaRate: Slope);
    }

    /// <summary>The schedule of a name, which may carry a number after a colon, as in "designed:0.001".</summary>
    /// <exception cref="ArgumentException">There is no such schedule, or the number is not one that it takes; the message lists the names.</exception>
    public static InterpolantSchedule Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var parts = name.Split(':', 2);
        var number = double.NaN;
        if (parts.Length == 2 && !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out number))
        {
            throw new ArgumentException($"The schedule '{name}' has '{parts[1]}' after its colon, which is not a number.", nameof(name));
        }

        if (s_own.TryGetValue(name, out var own))
        {
            return own;
        }

        var found = s_all.FirstOrDefault(s => s.Name == parts[0]);
        if (found.Name is null)
        {
            throw new ArgumentException($"There is no schedule '{parts[0]}'; choose one of {string.Join(", ", Names)}.", nameof(name));
        }

        try
        {
            return found.Make(parts.Length == 2 ? number : null);
        }
        catch (ArgumentException)
        {
            throw new ArgumentException($"The schedule '{parts[0]}' doesn't take the number {parts[1]}: {found.Description}.", nameof(name));
        }
    }

    /// <summary>What a named schedule is, in one line: alpha | beta | gamma.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static string Describe(string name) => s_own.ContainsKey(name) ? "a schedule of this program's own" : s_all.Single(s => s.Name == name).Description;

    private static InterpolantSchedule Plain(double? number, Func<InterpolantSchedule> make) =>
        number is null ? make() : throw new ArgumentException("The schedule takes no number.", nameof(number));

    private static string Named(string name, double value, double usual) => value == usual ? name : FormattableString.Invariant($"{name}:{value:R}");
}
