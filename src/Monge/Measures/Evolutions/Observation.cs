using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// What was seen of a path at one time, by its log-likelihood: any function of the position there, with whatever was seen written into it. The law of an
/// evolution with observations is, at each time, that of the position given all of them up to then.
/// </summary>
public sealed record Observation
{
    /// <summary>Makes an observation.</summary>
    /// <param name="time">When it was made, above 0.</param>
    /// <param name="logLikelihood">log p(y | x), a scalar of the position x [d], y being what was seen.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is not above 0 or not finite.</exception>
    public Observation(double time, Func<Expr, Expr> logLikelihood)
    {
        ArgumentNullException.ThrowIfNull(logLikelihood);
        Time = time > 0 && double.IsFinite(time)
            ? time
            : throw new ArgumentOutOfRangeException(
                nameof(time), time, "An observation is made at a finite time above 0; what is known at time 0 belongs to the initial law.");
        LogLikelihood = logLikelihood;
    }

    /// <summary>When it was made.</summary>
    public double Time { get; }

    /// <summary>log p(y | x), a scalar of the position x [d].</summary>
    public Func<Expr, Expr> LogLikelihood { get; }

    /// <summary>An observation y = H x + noise, the noise N(0, s^2 I).</summary>
    /// <param name="time">When it was made, above 0.</param>
    /// <param name="value">y [k].</param>
    /// <param name="noiseVariance">s^2, above 0.</param>
    /// <param name="matrix">H [k, d]; null for the position itself.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time or the variance is not above 0, or not finite.</exception>
    /// <exception cref="ArgumentException">The values are not finite, or the matrix has not a row for each.</exception>
    public static Observation Linear(double time, double[] value, double noiseVariance, double[,]? matrix = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!(noiseVariance > 0) || !double.IsFinite(noiseVariance))
        {
            throw new ArgumentOutOfRangeException(
                nameof(noiseVariance), noiseVariance, "The variance of an observation's noise must be above 0 and finite.");
        }

        if (value.Length == 0 || !value.All(double.IsFinite))
        {
            throw new ArgumentException("An observation needs one or more values, all of them finite.", nameof(value));
        }

        if (matrix is not null && matrix.GetLength(0) != value.Length)
        {
            throw new ArgumentException(
                $"The matrix of an observation has {matrix.GetLength(0)} rows for {value.Length} values; it needs a row for each.", nameof(matrix));
        }

        var (seen, constant) = (Expr.Constant(value, value.Length), -0.5 * value.Length * Math.Log(2 * Math.PI * noiseVariance));
        var rows = matrix is null ? null : Expr.Constant([.. matrix.Cast<double>()], matrix.GetLength(0), matrix.GetLength(1));
        return new Observation(
            time, x => constant - (0.5 / noiseVariance * ((rows is null ? x : Expr.MatrixProduct(rows, x)) - seen).SquaredNorm()));
    }
}
