using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;

namespace Monge.Training;

/// <summary>
/// Gauss-Newton in float64, which for the residuals of a differential equation is the energy natural gradient (Mueller and Zeinhofer, arXiv:2302.13163; in
/// arXiv:2407.07873 the last phase of training): with r(theta) the residuals of all points divided by sqrt(N), and J = dr/dtheta, the direction solves
/// (J^T J + lambda I) delta = J^T r, lambda = min(|r|^2, 1e-5), and theta loses the best of the steps 2^-k delta on the same points.
/// It knows nothing of what the residuals mean; the state is the parameters and, when it is adaptive, the damping.
/// </summary>
public sealed class GaussNewton : IDisposable
{
    // Adaptive damping: the largest fall after a step, the largest rise within one, and how often it rises before the step is given up.
    private const double DampingFall = 5;
    private const double DampingRise = 8;
    private const int MostSolves = 14;

    // Geodesic acceleration: the share of the step over which the bend is measured, and the largest ratio of twice the
    // acceleration to the step that is trusted.
    private const double BendShare = 0.1;
    private const double LargestBend = 0.75;

    private const string DirectionInput = "gaussNewton.direction";
    private const string CotangentInput = "gaussNewton.cotangent";

    private readonly GaussNewtonOptions _options;
    private readonly ParameterSet _set;
    private readonly Expr _residual;
    private readonly ExecutionOptions? _execution;
    private readonly CompiledProgram<double> _loss;
    private readonly NdArray<double> _trial;
    private readonly GaussNewtonSystem _system;
    private readonly Dictionary<string, NdArray<double>> _inputs = [];
    private CompiledProgram<double>? _rows;
    private CompiledProgram<double>? _product;
    private CompiledProgram<double>? _values;
    private double[] _gradient = [];

    /// <summary>Compiles the residual; the programs of a solver are compiled when it is first used.</summary>
    /// <param name="parameters">The parameters [P].</param>
    /// <param name="residual">The residuals [m] of one sample, all types stacked, each times the square root of its weight; or one, a
    /// scalar. Points may be drawn inside.</param>
    /// <param name="samples">Samples n of a step, at least 1; N = n m.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="execution">How to execute.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range, or there is no sample or no parameter.</exception>
    public GaussNewton(ParameterSet parameters, Expr residual, int samples, GaussNewtonOptions? options = null, ExecutionOptions? execution = null)
    {
        _options = options ?? new GaussNewtonOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.LargestDamping, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Halvings, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Refinements, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(parameters.Count, 1, nameof(parameters));
        (_set, Samples, _execution) = (parameters, samples, execution);
        _residual = residual.Reshape(residual.Size) / Math.Sqrt(samples);
        Parameters = new NdArray<double>(parameters.Count);
        _trial = new NdArray<double>(parameters.Count);
        _loss = Compile(("loss", _residual.SquaredNorm().BatchSum()));
        _system = new GaussNewtonSystem(_options, ResidualCount, parameters.Count);
    }

    /// <summary>The parameters [P]. Fill them before the first step.</summary>
    public NdArray<double> Parameters { get; }

    /// <summary>lambda of the next step when the damping is adaptive, 0 before the first; the other half of the state.</summary>
    public double Damping { get; set; }

    /// <summary>Samples n of a step.</summary>
    public int Samples { get; }

    /// <summary>Residuals N of a step: n times those of one sample.</summary>
    public int ResidualCount => Samples * _residual.Size;

    /// <summary>Binds an array to an input of the residual: per-sample inputs [n, ...], shared ones [...]. Not needed for points that are drawn.</summary>
    public void Bind(string input, NdArray<double> values)
    {
        _inputs[input] = values;
        foreach (var program in new[] { _loss, _rows, _product, _values })
        {
            program?.BindIfUsed(input, values);
        }
    }

    /// <summary>The loss |r|^2: the sum over m of the means of the squared residuals over the samples.</summary>
    /// <param name="points">The place in the random streams from which points are drawn.</param>
    public double Loss(DrawKey points) => Loss(Parameters, points);

    /// <summary>Takes one step. The loss at its points never grows.</summary>
    /// <param name="points">The place in the random streams from which points are drawn: keep it for a few steps on the
    /// same points, move on to resample.</param>
    /// <exception cref="ArithmeticException">The loss before the step is not finite.</exception>
    public GaussNewtonInfo Step(DrawKey points)
    {
        var before = Loss(Parameters, points);
        if (!double.IsFinite(before))
        {
            throw new ArithmeticException(
                FormattableString.Invariant($"Gauss-Newton can't step from a loss of {before}; start from parameters whose residuals are finite."));
        }

        if (Damping == 0 || !_options.Adaptive)
        {
            Damping = Math.Min(before, _options.LargestDamping);
        }

        if (_options.Adaptive)
        {
            return StepByGain(points, before);
        }

        var (direction, damping, iterations) = Direction(points, Damping);
        var (loss, size) = Search(direction, before, points);
        HostVectors.AddScaled(-size, direction, Parameters.Span);
        return new GaussNewtonInfo(before, loss, size, damping, iterations, 1);
    }

    /// <summary>The direction delta [P] at the current parameters, the damping it was made with, and the iterations of conjugate gradients.</summary>
    /// <param name="points">The place in the random streams.</param>
    /// <param name="damping">lambda, not negative.</param>
    public (double[] Direction, double Damping, int KrylovIterations) Direction(DrawKey points, double damping)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(damping);
        if (_options.Solver == GaussNewtonSolver.ConjugateGradient)
        {
            return ByConjugateGradient(points, damping);
        }

        Linearise(points);
        var used = _system.Factor(damping);
        return (_system.Solve(_rows!["residual"].Span, used), used, 0);
    }

    /// <summary>Frees the programs.</summary>
    public void Dispose()
    {
        _loss.Dispose();
        _rows?.Dispose();
        _product?.Dispose();
        _values?.Dispose();
    }

    private double Loss(NdArray<double> parameters, DrawKey points)
    {
        _loss.Parameters = parameters;
        _loss.Run(Samples, points);
        return _loss["loss"][0];
    }

    // From the full step downwards; once a share has lowered the loss, the first that does no better ends the search.
    private (double Loss, double Size) Search(double[] direction, double before, DrawKey points)
    {
        var (best, bestSize) = (before, 0.0);
        for (var k = 0; k <= _options.Halvings; k++)
        {
            var size = Math.ScaleB(1, -k);
            for (var i = 0; i < direction.Length; i++)
            {
                _trial[i] = Parameters[i] - (size * direction[i]);
            }

            // A step into the void gives a loss that is not finite, which is not below anything.
            var loss = Loss(_trial, points);
            if (loss < best)
            {
                (best, bestSize) = (loss, size);
            }
            else if (bestSize > 0)
            {
                break;
            }
        }

        return (best, bestSize);
    }

    // Full steps only: the damping rises until one lowers the loss.
    private GaussNewtonInfo StepByGain(DrawKey points, double before)
    {
        var isDirect = _options.Solver != GaussNewtonSolver.ConjugateGradient;
        if (isDirect)
        {
            Linearise(points);
        }

        var (start, rise, iterations) = (Damping, 2.0, 0);
        for (var solves = 1; solves <= MostSolves; solves++)
        {
            double[] step, gradient;
            var isTrusted = true;
            if (isDirect)
            {
                Damping = _system.Factor(Damping);
                step = _system.Solve(_rows!["residual"].Span, Damping);
                gradient = new double[step.Length];
                _system.AddTransposed(_rows["residual"].Span, gradient);
            }
            else
            {
                (step, _, var used) = ByConjugateGradient(points, Damping);
                iterations += used;
                gradient = _gradient;
            }

            // |r|^2 - |r - J delta|^2, which the linear model promises.
            var promised = GramMatrix.Dot(step, gradient) + (Damping * GramMatrix.Dot(step, step));
            if (isDirect && _options.Accelerated)
            {
                var acceleration = _system.Solve(Bend(step, points), Damping);
                isTrusted = 2 * Math.Sqrt(GramMatrix.Dot(acceleration, acceleration)) <= LargestBend * Math.Sqrt(GramMatrix.Dot(step, step));
                HostVectors.AddScaled(0.5, acceleration, step);
            }

            Parameters.Span.CopyTo(_trial.Span);
            HostVectors.AddScaled(-1, step, _trial.Span);
            var loss = isTrusted ? Loss(_trial, points) : double.PositiveInfinity;
            if (loss < before)
            {
                var info = new GaussNewtonInfo(before, loss, 1, Damping, iterations, solves);
                Damping *= Math.Max(1 / DampingFall, 1 - Math.Pow((2 * (before - loss) / promised) - 1, 3));
                _trial.Span.CopyTo(Parameters.Span);
                return info;
            }

            Damping *= rise;
            rise = Math.Min(2 * rise, DampingRise);
        }

        // No damping helps on these points: at a minimum of theirs, or at the end of what rounding allows. Other points may go on from the same damping.
        var last = Damping;
        Damping = start;
        return new GaussNewtonInfo(before, before, 0, last, iterations, MostSolves);
    }

    // The second derivative of the residuals along the step, from r(theta - h delta) = r - h J delta + h^2/2 r''.
    private double[] Bend(double[] step, DrawKey points)
    {
        _values ??= CompileValues();
        Parameters.Span.CopyTo(_trial.Span);
        HostVectors.AddScaled(-BendShare, step, _trial.Span);
        _values.Parameters = _trial;
        _values.Run(Samples, points);
        var shifted = _values["residual"].Span;
        var residual = _rows!["residual"].Span;
        var bend = new double[residual.Length];
        for (var i = 0; i < bend.Length; i++)
        {
            bend[i] = 2 / BendShare * (((shifted[i] - residual[i]) / BendShare) + GramMatrix.Dot(_system.Row(i), step));
        }

        return bend;
    }

    // r, J and the undamped matrix of the solver at the current parameters.
    private void Linearise(DrawKey points)
    {
        _rows ??= CompileRows();
        _rows.Parameters = Parameters;
        _rows.Run(Samples, points);
        _system.Set(_rows["jacobian"], _rows.Team);
    }

    private (double[] Direction, double Damping, int KrylovIterations) ByConjugateGradient(DrawKey points, double damping)
    {
        _product ??= CompileProduct();
        _product.Parameters = Parameters;
        var direction = new double[_set.Count];
        _product.Run(Samples, points);
        _gradient = _product["gradient"].Span.ToArray();
        void Apply(ReadOnlySpan<double> input, Span<double> output)
        {
            input.CopyTo(_product[DirectionInput].Span);
            _product.Run(Samples, points);
            var image = _product["product"].Span;
            for (var i = 0; i < output.Length; i++)
            {
                output[i] = image[i] + (damping * input[i]);
            }
        }

        var result = ConjugateGradient.Solve(Apply, _gradient, direction, _options.Krylov);
        return (direction, damping, result.Iterations);
    }

    private CompiledProgram<double> CompileRows()
    {
        var program = Compile(("residual", _residual), ("jacobian", Derivative.ParameterJacobian(_residual, _set)));
        program["residual"] = new NdArray<double>(Samples, _residual.Size);
        program["jacobian"] = new NdArray<double>(Samples, _residual.Size, _set.Count);
        return program;
    }

    private CompiledProgram<double> CompileValues()
    {
        var program = Compile(("residual", _residual));
        program["residual"] = new NdArray<double>(Samples, _residual.Size);
        return program;
    }

    // J^T J w in one pass: J w is the derivative of w . (J^T v) by v, and J^T of it is summed over the batch.
    private CompiledProgram<double> CompileProduct()
    {
        var (cotangent, direction) = (Expr.Input(CotangentInput, _residual.Size), Expr.Shared(DirectionInput, _set.Count));
        var transposed = Derivative.ParameterGradient(Expr.Dot(_residual, cotangent), _set);
        var image = Derivative.Gradient(Expr.Dot(transposed, direction), cotangent).StopGradient();
        var program = Compile(
            ("product", Derivative.ParameterGradient(Expr.Dot(_residual, image), _set).BatchSum()),
            ("gradient", (0.5 * Derivative.ParameterGradient(_residual.SquaredNorm(), _set)).BatchSum()));
        program.BindIfUsed(CotangentInput, new NdArray<double>(Samples, _residual.Size));
        return program;
    }

    private CompiledProgram<double> Compile(params (string Name, Expr Value)[] outputs)
    {
        var program = new CompiledProgram<double>(new TracedProgram(_set, outputs), _execution);
        foreach (var (name, values) in _inputs)
        {
            program.BindIfUsed(name, values);
        }

        return program;
    }
}
