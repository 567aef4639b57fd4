using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.References;

/// <summary>
/// The Curie-Weiss law on spins x in {-1, 1}^d with weight exp(b S^2 / 2d + h S / d), S = sum x, b above 1, reached from Gaussian noise by a one-sided
/// interpolant (arXiv:2501.00988). For large d it is a mixture of two product laws with spin means +-m, m = tanh(b m), and weights proportional to exp(+-h m).
/// </summary>
public sealed class CurieWeissLaw
{
    /// <summary>Makes the law.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="inverseTemperature">b, above 1: below there is one phase only.</param>
    /// <param name="field">h.</param>
    public CurieWeissLaw(int dimension, double inverseTemperature, double field)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(inverseTemperature, 1);
        (Dimension, InverseTemperature, Field) = (dimension, inverseTemperature, field);
        Magnetisation = 1;
        for (var k = 0; k < 10_000; k++)
        {
            Magnetisation = Math.Tanh(inverseTemperature * Magnetisation);
        }
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>b.</summary>
    public double InverseTemperature { get; }

    /// <summary>h.</summary>
    public double Field { get; }

    /// <summary>m, the positive solution of m = tanh(b m).</summary>
    public double Magnetisation { get; }

    /// <summary>The weight of the phase +m for large d.</summary>
    public double PlusWeight => 1 / (1 + Math.Exp(-2 * Field * Magnetisation));

    /// <summary>The exact law of the number of spins up, from 0 to d, by enumeration.</summary>
    public double[] UpSpinProbabilities()
    {
        var logs = new double[Dimension + 1];
        for (var up = 0; up <= Dimension; up++)
        {
            var sum = (2.0 * up) - Dimension;
            logs[up] = HostFunctions.LogFactorial(Dimension) - HostFunctions.LogFactorial(up) - HostFunctions.LogFactorial(Dimension - up)
                + (InverseTemperature * sum * sum / (2 * Dimension)) + (Field * sum / Dimension);
        }

        var top = logs.Max();
        var total = logs.Sum(l => Math.Exp(l - top));
        return [.. logs.Select(l => Math.Exp(l - top) / total)];
    }

    /// <summary>
    /// The velocity b = (alpha'/alpha) x + (beta' - alpha' beta / alpha) E(x_1 | x) with the conditional mean of the large-d
    /// mixture; not at t = 1, where alpha vanishes.
    /// </summary>
    /// <param name="schedule">The schedule, without a latent variable.</param>
    public IVectorField LargeSystem(InterpolantSchedule schedule) => Velocity(schedule, LargeSystemMean);

    /// <summary>
    /// The velocity with the exact conditional mean for finite d, by the Hubbard-Stratonovich integral: exp(b S^2 / 2d) is the mean of exp(sqrt(b/d) xi S) over
    /// a standard normal xi, on a grid of xi.
    /// </summary>
    /// <param name="schedule">The schedule, without a latent variable.</param>
    /// <param name="nodes">Points of the grid.</param>
    public IVectorField Exact(InterpolantSchedule schedule, int nodes = 64)
    {
        // The exponent -xi^2 / 2 + sum log cosh(..) is of order d; its maxima lie within |xi| <= sqrt(b d), and beyond by a few deviations it is small.
        var reach = Math.Sqrt(InverseTemperature * Dimension) + 6;
        var grid = Expr.Constant([.. Enumerable.Range(0, nodes).Select(k => reach * ((2.0 * (k + 0.5) / nodes) - 1))], nodes, 1);
        return Velocity(schedule, (x, field) =>
        {
            var argument = (Math.Sqrt(InverseTemperature / Dimension) * grid) + (Field / Dimension) + (field * x).Reshape(1, Dimension);

            // log 2 cosh f = |f| + log(1 + exp(-2 |f|)).
            var size = argument.Abs();
            var exponents = (size + (-2 * size).Exp().Log1p()).Sum(1) - (0.5 * grid.Reshape(nodes).Square());
            return Expr.MatrixProduct(exponents.Softmax(0), argument.Tanh());
        });
    }

    // E(x_1 | x) given x and the field c = beta / alpha^2 on the spins: phases weighted by W Q, Q = prod (1 +- m tanh(c x_j)).
    private Expr LargeSystemMean(Expr x, Expr field)
    {
        var tilt = (field * x).Tanh();
        var ratio = (2 * Field * Magnetisation) + ((Magnetisation * tilt).Log1p() - (-Magnetisation * tilt).Log1p()).Sum();
        var plus = ratio.Sigmoid();
        var strength = InverseTemperature * Magnetisation;
        return (plus * (strength + (field * x)).Tanh()) + ((1 - plus) * ((field * x) - strength).Tanh());
    }

    private FormulaField Velocity(InterpolantSchedule schedule, Func<Expr, Expr, Expr> mean) => new(Dimension, (x, t) =>
    {
        var (square, beta) = (schedule.Alpha(t).Square(), schedule.Beta(t));
        var relative = schedule.AlphaAlphaRate(t) / square;
        return (relative * x) + ((schedule.BetaRate(t) - (relative * beta)) * mean(x, beta / square));
    });
}
