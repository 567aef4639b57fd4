using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// The Gaussian around a mode of a density: mean at the mode, covariance the inverse of minus the Hessian of the log density there. Found by Newton's
/// method with a shifted Hessian where it isn't negative definite and a line search, in float64.
/// </summary>
public sealed class LaplaceApproximation
{
    private const int MaximumSteps = 200;
    private const double DecrementTolerance = 1e-16;

    private LaplaceApproximation(double[] mode, double logDensity, double[,] factor, double decrement)
    {
        Mode = mode;
        LogDensity = logDensity;
        CovarianceFactor = factor;
        Converged = decrement <= 1e-8;
    }

    /// <summary>The mode [d], unconstrained.</summary>
    public double[] Mode { get; }

    /// <summary>The log density at the mode.</summary>
    public double LogDensity { get; }

    /// <summary>The lower triangular factor L [d, d] of the covariance L L^T.</summary>
    public double[,] CovarianceFactor { get; }

    /// <summary>Whether Newton's method ended at a mode to 8 digits of the Newton decrement.</summary>
    public bool Converged { get; }

    /// <summary>The standard deviations along the coordinates [d].</summary>
    public double[] StandardDeviation => LowerTriangle.RowNorms(CovarianceFactor);

    /// <summary>Laplace's estimate of the log-normaliser: log density at the mode + d/2 log(2 pi) + log det L.</summary>
    public double LogZ => LogDensity + (0.5 * Mode.Length * Math.Log(2 * Math.PI)) + LowerTriangle.LogDeterminant(CovarianceFactor);

    /// <summary>The full-covariance Gaussian; starting from it is the same as whitening.</summary>
    /// <param name="inflation">What standard deviations are multiplied by.</param>
    public GaussianBase ToGaussian(double inflation = 1) => GaussianBase.Full(Mode, CovarianceFactor).Inflate(inflation);

    /// <summary>Finds the approximation, or null if no mode with a definite Hessian is reached.</summary>
    /// <param name="density">The density.</param>
    /// <param name="start">Where Newton's method starts [d]; null for the origin.</param>
    public static LaplaceApproximation? TryFind(Density density, double[]? start = null) =>
        TryFind(new Newton(density), start ?? new double[density.Dimension]);

    /// <summary>Finds it from many starts, for which the density is compiled once; rounding may differ in the last digits.</summary>
    internal sealed class Finder(Density density) : IDisposable
    {
        private readonly Newton _newton = new(density, isCompiled: true);

        /// <summary>As <see cref="LaplaceApproximation.TryFind(Density, double[])"/>.</summary>
        public LaplaceApproximation? TryFind(double[] start) => LaplaceApproximation.TryFind(_newton, start);

        /// <inheritdoc/>
        public void Dispose() => _newton.Dispose();
    }

    private static LaplaceApproximation? TryFind(Newton newton, double[] start)
    {
        var x = (double[])start.Clone();
        var (value, gradient, hessian) = newton.Evaluate(x);
        var decrement = double.PositiveInfinity;
        for (var step = 0; step < MaximumSteps && double.IsFinite(value); step++)
        {
            if (FactorShifted(hessian) is not { } factor)
            {
                return null;
            }

            var direction = LowerTriangle.Solve(factor, gradient);
            decrement = direction.Zip(gradient, (a, b) => a * b).Sum();
            if (decrement <= DecrementTolerance * Math.Max(1, Math.Abs(value)))
            {
                break;
            }

            if (newton.Ascend(x, value, direction, decrement) is not { } next)
            {
                break;
            }

            x = next;
            (value, gradient, hessian) = newton.Evaluate(x);
        }

        return double.IsFinite(value) && LowerTriangle.TryFactor(hessian) is { } final
            && LowerTriangle.TryFactor(LowerTriangle.InverseOfProduct(final)) is { } covariance
            ? new LaplaceApproximation(x, value, covariance, decrement)
            : null;
    }

    // The Cholesky factor of H + s I with the smallest s of a growing sequence that makes it positive definite.
    private static double[,]? FactorShifted(double[,] hessian)
    {
        var n = hessian.GetLength(0);
        if (!hessian.Cast<double>().All(double.IsFinite))
        {
            return null;
        }

        var size = Math.Max(1e-8, hessian.Cast<double>().Max(Math.Abs));
        for (var shift = 0.0; shift <= 1e3 * size; shift = Math.Max(1e-4 * size, 4 * shift))
        {
            var shifted = (double[,])hessian.Clone();
            for (var i = 0; i < n; i++)
            {
                shifted[i, i] += shift;
            }

            if (LowerTriangle.TryFactor(shifted) is { } factor)
            {
                return factor;
            }
        }

        return null;
    }

    // The traced value, gradient and Hessian of one density.
    private sealed class Newton : IDisposable
    {
        private readonly int _dimension;
        private readonly TracedProgram _value;
        private readonly TracedProgram _all;
        private readonly Func<TracedProgram, double[], IReadOnlyDictionary<string, double[]>> _run;
        private readonly Dictionary<TracedProgram, CompiledProgram<double>> _compiled = [];

        public Newton(Density density, bool isCompiled = false)
        {
            _dimension = density.Dimension;
            var x = Expr.Input("x", _dimension);
            var value = density.LogDensity(x);
            _value = new TracedProgram(null, ("value", value));
            _all = new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x)), ("hessian", Derivative.Hessian(value, x)));
            _run = isCompiled ? Compiled : (program, at) => ReferenceInterpreter.Evaluate(program, 1, new Dictionary<string, double[]> { ["x"] = at }, []);
        }

        /// <summary>Value, gradient and minus the Hessian.</summary>
        public (double Value, double[] Gradient, double[,] Hessian) Evaluate(double[] x)
        {
            var outputs = _run(_all, x);
            var hessian = new double[_dimension, _dimension];
            for (var i = 0; i < _dimension; i++)
            {
                for (var j = 0; j < _dimension; j++)
                {
                    hessian[i, j] = -0.5 * (outputs["hessian"][(i * _dimension) + j] + outputs["hessian"][(j * _dimension) + i]);
                }
            }

            return (outputs["value"][0], outputs["gradient"], hessian);
        }

        private Dictionary<string, double[]> Compiled(TracedProgram program, double[] x)
        {
            if (!_compiled.TryGetValue(program, out var compiled))
            {
                _compiled[program] = compiled = new CompiledProgram<double>(program);
                compiled.BindIfUsed("x", new NdArray<double>(1, _dimension));
                foreach (var (name, output) in program.Outputs)
                {
                    compiled[name] = NdArray<double>.ForSamples(1, output.Shape);
                }
            }

            if (compiled.Uses("x"))
            {
                x.CopyTo(compiled["x"].Span);
            }

            compiled.Run(1);
            return program.Outputs.ToDictionary(o => o.Name, o => compiled[o.Name].Span.ToArray());
        }

        public void Dispose()
        {
            foreach (var program in _compiled.Values)
            {
                program.Dispose();
            }
        }

        /// <summary>A step along the direction that raises the value enough (Armijo's rule), or null when rounding leaves none.</summary>
        public double[]? Ascend(double[] x, double value, double[] direction, double slope)
        {
            for (var length = 1.0; length > 1e-12; length *= 0.5)
            {
                double[] next = [.. x.Zip(direction, (a, b) => a + (length * b))];
                var reached = _run(_value, next)["value"][0];
                if (reached >= value + (1e-4 * length * slope))
                {
                    return next;
                }
            }

            return null;
        }
    }
}
