using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>
/// The first two moments of both ends in the model's coordinates, one variance for all of them: what makes the linear part of the fields, which is exact for Gaussian
/// ends, so that networks see inputs of size 1 and learn the rest (the idea of preconditioning in T. Karras et al., arXiv:2206.00364).
/// </summary>
/// <param name="BaseMean">The base's mean [d].</param>
/// <param name="BaseVariance">The base's variance, averaged over coordinates.</param>
/// <param name="DataMean">The data's mean [d].</param>
/// <param name="DataVariance">The data's variance.</param>
/// <param name="Covariance">The covariance of pairs, coordinate by coordinate, averaged.</param>
public sealed record EndMoments(IReadOnlyList<double> BaseMean, double BaseVariance, IReadOnlyList<double> DataMean, double DataVariance, double Covariance);

/// <summary>
/// The fields of a learned interpolant: networks N on top of the linear part. With m the mean and s^2 the variance of x_t, u = (x - m) / s:
/// one-sided and mirror eta = (scale / s^2) (x - m) + (beta sd / s) N(u, t), from which velocity and score follow without division by what vanishes at t = 0;
/// two-sided b or v = m' + c (x - m) + sd N(u, t) with c the slope for Gaussians, and eta or s likewise.
/// </summary>
internal sealed class FlowFields
{
    private const double FarDeviations = 3;

    private readonly InterpolantSchedule _schedule;
    private readonly EndMoments _moments;
    private readonly FlowNetwork _first;
    private readonly FlowNetwork? _second;
    private readonly bool _twoFields;
    private readonly FlowMixture? _mixture;
    private readonly Expr _baseMean;
    private readonly Expr _dataMean;

    /// <summary>Declares the networks.</summary>
    /// <param name="options">The options.</param>
    /// <param name="form">The form, not automatic.</param>
    /// <param name="dimension">d.</param>
    /// <param name="conditions">Inputs of the condition, without the flag that says whether it is there.</param>
    /// <param name="moments">The ends' moments.</param>
    /// <param name="mixture">The base, if it is a mixture.</param>
    public FlowFields(InterpolantOptions options, InterpolantForm form, int dimension, int conditions, EndMoments moments, FlowMixture? mixture = null)
    {
        (Learn, Form, Dimension, Conditions, _moments, _mixture) = (options.Learn, form, dimension, conditions, moments, mixture);
        _schedule = InterpolantSchedules.Get(options.Schedule);
        Margin = options.TimeMargin ?? DefaultMargin(_schedule);
        (_baseMean, _dataMean) = (Expr.Constant([.. moments.BaseMean], dimension), Expr.Constant([.. moments.DataMean], dimension));
        _twoFields = Learn is not (LearnedFields.Velocity or LearnedFields.Denoiser or LearnedFields.Score);
        CheckForm(_schedule);
        var inputs = (mixture is null ? dimension : 2 * dimension) + (conditions == 0 ? 0 : conditions + 1);
        FlowNetwork Network(string name, int outputs) => new(Parameters, Initializer, name, inputs, outputs, options.Width, options.Depth, options.Frequencies, options.Activation);
        if (_twoFields && !options.SharedNetwork)
        {
            (_first, _second) = (Network("first", dimension), Network("second", dimension));
        }
        else
        {
            _first = Network("field", _twoFields ? 2 * dimension : dimension);
        }
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public LearnedFields Learn { get; }

    public InterpolantForm Form { get; }

    public int Dimension { get; }

    /// <summary>Inputs of the condition, without its flag.</summary>
    public int Conditions { get; }

    /// <summary>How far from 0 and 1 times are kept.</summary>
    public double Margin { get; }

    public bool HasLatent => _schedule.HasLatent && Form != InterpolantForm.OneSided;

    /// <summary>Whether the score is known.</summary>
    public bool HasScore => Form != InterpolantForm.TwoSided || _twoFields;

    /// <summary>The standard deviation of a one-sided interpolant's base in the model's coordinates.</summary>
    public double BaseScale
    {
        get
        {
            var at = _schedule.At(0);
            return Form == InterpolantForm.OneSided
                ? Math.Sqrt((at.Alpha * at.Alpha) + (at.Gamma * at.Gamma) + (at.Beta * at.Beta * _moments.DataVariance))
                : Math.Abs(at.Alpha);
        }
    }

    /// <summary>The scale of the noise in x_t.</summary>
    public Expr NoiseScale(Expr t) => new Coefficients(_schedule, Form, Clamp(t)).Noise;

    /// <summary>The same as a number.</summary>
    public double NoiseScale(double t)
    {
        var at = _schedule.At(Math.Clamp(t, Margin, 1 - Margin));
        return Form == InterpolantForm.OneSided ? Math.Sqrt((at.Alpha * at.Alpha) + (at.Gamma * at.Gamma)) : at.Gamma;
    }

    /// <summary>The position, its velocity and the noise of a pair at a time, with the latent or base noise as given (or negated); of a mixture base by deviations from a centre.</summary>
    public (Expr Position, Expr Rate) At(Expr t, Expr x0, Expr x1, Expr z, Expr? centre = null)
    {
        var c = new Coefficients(_schedule, Form, t);
        return Form switch
        {
            _ when centre is not null => (centre + (c.Alpha * x0) + (c.Beta * x1), (c.AlphaRate * x0) + (c.BetaRate * x1)),
            InterpolantForm.OneSided => ((c.Noise * z) + (c.Beta * x1), (c.NoiseRate * z) + (c.BetaRate * x1)),
            InterpolantForm.Mirror => (x1 + (c.Noise * z), c.NoiseRate * z),
            _ when HasLatent => ((c.Alpha * x0) + (c.Beta * x1) + (c.Noise * z), (c.AlphaRate * x0) + (c.BetaRate * x1) + (c.NoiseRate * z)),
            _ => ((c.Alpha * x0) + (c.Beta * x1), (c.AlphaRate * x0) + (c.BetaRate * x1)),
        };
    }

    /// <summary>The regression loss of a pair at a time, the sum over the learned fields of 1/2 |f|^2 - target . f (arXiv:2303.08797, section 2.2).</summary>
    public Expr Loss(Expr t, Expr x0, Expr x1, Expr z, Expr? condition, Expr? centre)
    {
        Expr sum = 0;
        foreach (var (field, target) in Regressions(t, x0, x1, z, condition, centre))
        {
            sum += (0.5 * field.SquaredNorm()) - (target * field).Sum();
        }

        return sum;
    }

    /// <summary>The sum over the learned fields of |f - target|^2: the loss, doubled, and what the best field can't lower.</summary>
    public Expr SquaredResidual(Expr t, Expr x0, Expr x1, Expr z, Expr? condition, Expr? centre)
    {
        Expr sum = 0;
        foreach (var (field, target) in Regressions(t, x0, x1, z, condition, centre))
        {
            sum += (field - target).SquaredNorm();
        }

        return sum;
    }

    /// <summary>b(x, t) [d]; times are kept within the margin.</summary>
    public Expr Velocity(Expr x, Expr t, Expr? condition = null)
    {
        t = Clamp(t);
        var c = new Coefficients(_schedule, Form, t);
        if (Form != InterpolantForm.TwoSided)
        {
            return SingleVelocity(c, x, NetworkValue(c, x, t, condition));
        }

        var (first, second) = Learned(x, t, condition);
        return Learn switch
        {
            LearnedFields.InterpolantVelocityScore => first - (c.NoiseNoiseRate * second!),
            LearnedFields.InterpolantVelocityDenoiser => first + (c.NoiseRate * second!),
            _ => first,
        };
    }

    /// <summary>s(x, t) [d]; times are kept within the margin, or 0.001 where there is none.</summary>
    public Expr Score(Expr x, Expr t, Expr? condition = null)
    {
        t = t.Clamp(Math.Max(Margin, 1e-3), 1 - Math.Max(Margin, 1e-3));
        var c = new Coefficients(_schedule, Form, t);
        if (Form != InterpolantForm.TwoSided)
        {
            return -SingleDenoiser(c, x, NetworkValue(c, x, t, condition)) / c.Noise;
        }

        var second = Learned(x, t, condition).Second!;
        return Learn is LearnedFields.VelocityScore or LearnedFields.InterpolantVelocityScore ? second : -second / c.Noise;
    }

    private IEnumerable<(Expr Field, Expr Target)> Regressions(Expr t, Expr x0, Expr x1, Expr z, Expr? condition, Expr? centre)
    {
        var c = new Coefficients(_schedule, Form, t);
        var (x, rate) = At(t, x0, x1, z, centre);
        var (first, second) = Learned(x, t, condition);
        yield return (first, Learn switch
        {
            LearnedFields.Denoiser => z,
            LearnedFields.Score => -z / c.Noise,
            LearnedFields.InterpolantVelocityScore or LearnedFields.InterpolantVelocityDenoiser => (c.AlphaRate * x0) + (c.BetaRate * x1),
            _ => rate,
        });
        if (second is not null)
        {
            yield return (second, Learn is LearnedFields.VelocityScore or LearnedFields.InterpolantVelocityScore ? -z / c.Noise : z);
        }
    }

    /// <summary>The variance of x_t.</summary>
    private Expr Variance(Coefficients c) => Form switch
    {
        InterpolantForm.OneSided => c.Noise2 + (c.Beta.Square() * _moments.DataVariance),
        InterpolantForm.Mirror => c.Noise2 + _moments.DataVariance,
        _ => (c.Alpha.Square() * _moments.BaseVariance) + (c.Beta.Square() * _moments.DataVariance) + (2 * _moments.Covariance * c.Alpha * c.Beta) + c.Noise2,
    };

    private Expr Mean(Coefficients c) => Form switch
    {
        InterpolantForm.OneSided => c.Beta * _dataMean,
        InterpolantForm.Mirror => _dataMean,
        _ => (c.Alpha * _baseMean) + (c.Beta * _dataMean),
    };

    private Expr MeanRate(Coefficients c) => Form switch
    {
        InterpolantForm.OneSided => c.BetaRate * _dataMean,
        InterpolantForm.Mirror => 0,
        _ => (c.AlphaRate * _baseMean) + (c.BetaRate * _dataMean),
    };

    private Expr NetworkInput(Coefficients c, Expr x, Expr? condition)
    {
        var centred = (x - Mean(c)) / Variance(c).Sqrt();
        return Conditions == 0 ? centred : Expr.Concat(0, centred, condition ?? Expr.Constant(0).BroadcastTo(new Shape([Conditions + 1])));
    }

    private Expr NetworkValue(Coefficients c, Expr x, Expr t, Expr? condition) => _first.Apply(NetworkInput(c, x, condition), t);

    // eta of one-sided and mirror interpolants.
    private Expr SingleDenoiser(Coefficients c, Expr x, Expr network)
    {
        var variance = Variance(c);
        var share = Form == InterpolantForm.Mirror ? 1 : c.Beta;
        return (c.Noise / variance * (x - Mean(c))) + (share * Math.Sqrt(_moments.DataVariance) / variance.Sqrt() * network);
    }

    private Expr SingleVelocity(Coefficients c, Expr x, Expr network)
    {
        if (Form == InterpolantForm.Mirror)
        {
            return c.NoiseRate * SingleDenoiser(c, x, network);
        }

        var variance = Variance(c);
        var slope = (c.NoiseNoiseRate + (_moments.DataVariance * c.BetaBetaRate)) / variance;
        var factor = ((c.NoiseRate * c.Beta) - (c.Noise * c.BetaRate)) * Math.Sqrt(_moments.DataVariance) / variance.Sqrt();
        return MeanRate(c) + (slope * (x - Mean(c))) + (factor * network);
    }

    // The fields that the loss compares with their targets.
    private (Expr First, Expr? Second) Learned(Expr x, Expr t, Expr? condition)
    {
        var c = new Coefficients(_schedule, Form, t);
        if (Form != InterpolantForm.TwoSided)
        {
            var network = NetworkValue(c, x, t, condition);
            return (Learn switch
            {
                LearnedFields.Denoiser => SingleDenoiser(c, x, network),
                LearnedFields.Score => -SingleDenoiser(c, x, network) / c.Noise,
                _ => SingleVelocity(c, x, network),
            }, null);
        }

        if (_mixture is not null)
        {
            return (MixtureVelocity(_mixture, c, x, t), null);
        }

        var input = NetworkInput(c, x, condition);
        var values = _first.Apply(input, t);
        var (mean, variance) = (Mean(c), Variance(c));
        var withLatent = Learn is LearnedFields.Velocity or LearnedFields.VelocityDenoiser or LearnedFields.VelocityScore;
        var slope = ((c.AlphaAlphaRate * _moments.BaseVariance) + (c.BetaBetaRate * _moments.DataVariance)
            + (_moments.Covariance * ((c.AlphaRate * c.Beta) + (c.Alpha * c.BetaRate))) + (withLatent ? c.NoiseNoiseRate : 0)) / variance;
        var size = Math.Sqrt(0.5 * (_moments.BaseVariance + _moments.DataVariance));
        var first = MeanRate(c) + (slope * (x - mean)) + (size * values[..Dimension]);
        if (!_twoFields)
        {
            return (first, null);
        }

        var second = _second is null ? values[Dimension..] : _second.Apply(input, t);
        return (first, Learn is LearnedFields.VelocityScore or LearnedFields.InterpolantVelocityScore
            ? second - ((x - mean) / variance)
            : second + (c.Noise / variance * (x - mean)));
    }

    // The slope is that of Gaussians with one covariance at both ends; the network sees and gives deviations in units of the components around.
    private Expr MixtureVelocity(FlowMixture mixture, Coefficients c, Expr x, Expr t)
    {
        var spread2 = c.Alpha.Square() + c.Beta.Square();
        var frame = mixture.At(x, spread2.Sqrt());
        var slope = (c.AlphaAlphaRate + c.BetaBetaRate) / spread2;

        // Far from all components, in their own units, the network must not run away along a line.
        var bounded = frame.Whitened / (1 + (frame.Whitened.SquaredNorm() / (FarDeviations * FarDeviations * Dimension))).Sqrt();
        return (slope * (x - frame.Centre)) + frame.Scale(_first.Apply(Expr.Concat(0, x, bounded), t));
    }

    private Expr Clamp(Expr t) => Margin == 0 ? t : t.Clamp(Margin, 1 - Margin);

    private void CheckForm(InterpolantSchedule schedule)
    {
        if (Form == InterpolantForm.Mirror && !schedule.HasLatent)
        {
            throw new ArgumentException($"The schedule '{schedule.Name}' has no latent, without which a mirror interpolant doesn't move; choose one with a latent, such as linear-latent.");
        }

        if (_twoFields && Form != InterpolantForm.TwoSided)
        {
            throw new ArgumentException("A one-sided or mirror interpolant has one field, from which all others follow; learn the velocity, the denoiser or the score, or choose the form 'twoSided'.");
        }

        if (_twoFields && !schedule.HasLatent)
        {
            throw new ArgumentException($"The schedule '{schedule.Name}' has no latent, so there is no score to learn beside the velocity; choose one with a latent, such as linear-latent.");
        }

        if (Form == InterpolantForm.TwoSided && Learn is LearnedFields.Denoiser or LearnedFields.Score)
        {
            throw new ArgumentException("A two-sided interpolant can't be sampled by its score or denoiser alone; learn the velocity too.");
        }
    }

    private static double DefaultMargin(InterpolantSchedule schedule)
    {
        foreach (var v in schedule.At(0, 1, 1e-9, 1 - 1e-9))
        {
            // A root's slope is above 1e4 this near to its zero; no smooth schedule is so steep.
            double[] rates = [v.AlphaRate, v.BetaRate, v.GammaRate];
            if (rates.Any(r => !(Math.Abs(r) < 1e3)))
            {
                return 1e-3;
            }
        }

        return 0;
    }

    /// <summary>The schedule at a time; the noise is the latent, or for a one-sided interpolant latent and base together, which have one law: sqrt(alpha^2 + gamma^2).</summary>
    private readonly struct Coefficients
    {
        public Coefficients(InterpolantSchedule schedule, InterpolantForm form, Expr t)
        {
            (Alpha, Beta) = (schedule.Alpha(t), schedule.Beta(t));
            (AlphaRate, BetaRate) = (schedule.AlphaRate(t), schedule.BetaRate(t));
            (AlphaAlphaRate, BetaBetaRate) = (schedule.AlphaAlphaRate(t), schedule.BetaBetaRate(t));
            if (form != InterpolantForm.OneSided)
            {
                (Noise, NoiseRate, NoiseNoiseRate) = (schedule.Gamma(t), schedule.GammaRate(t), schedule.GammaGammaRate(t));
                Noise2 = Noise.Square();
            }
            else if (schedule.HasLatent)
            {
                Noise2 = Alpha.Square() + schedule.Gamma(t).Square();
                Noise = Noise2.Sqrt();
                NoiseNoiseRate = AlphaAlphaRate + schedule.GammaGammaRate(t);
                NoiseRate = NoiseNoiseRate / Noise;
            }
            else
            {
                (Noise, NoiseRate, NoiseNoiseRate) = (Alpha, AlphaRate, AlphaAlphaRate);
                Noise2 = Alpha.Square();
            }
        }

        public Expr Alpha { get; }

        public Expr Beta { get; }

        public Expr AlphaRate { get; }

        public Expr BetaRate { get; }

        public Expr AlphaAlphaRate { get; }

        public Expr BetaBetaRate { get; }

        public Expr Noise { get; }

        public Expr Noise2 { get; }

        public Expr NoiseRate { get; }

        public Expr NoiseNoiseRate { get; }
    }
}
