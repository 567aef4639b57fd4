using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Fits the first score to that of the initial law, which is known, by the relative Fisher error E |s - exact|^2 / E |exact|^2 in the metric of the diffusion
/// (arXiv:2206.04642, section 3.2).
/// </summary>
internal sealed class SbtmInitialFit : IIterative, IDisposable
{
    private readonly SbtmTraining _particles;
    private readonly EvolutionProblem _problem;
    private readonly SbtmOptions _options;
    private readonly GradientStep<float> _step;
    private readonly double[] _exact;
    private readonly double[] _learned;
    private readonly double _size;
    private double _error;

    public SbtmInitialFit(SbtmTraining particles, EvolutionProblem problem, SbtmOptions options, Run run)
    {
        (_particles, _problem, _options) = (particles, problem, options);
        var d = problem.Dimension;
        _exact = PointFunction.At(at => Derivative.Gradient(problem.Initial.LogDensity(at), at), particles.Positions, d, run.Execution);
        _learned = new double[_exact.Length];
        _size = Square(_exact, _learned);

        // A law without a score, such as one even in a box, has no scale of its own.
        _size = _size > 0 ? _size : 1;
        var (x, t) = (Expr.Input("x", d), Expr.Shared("t"));
        var score = particles.Network.Apply(x, ScoreInputs.Shared(d, t) with { Drift = problem.Drift(x, t) });
        var share = particles.Metric.FisherError(score, Expr.Input("exact", d)) / (_size * options.BatchSize);
        _step = new GradientStep<float>(particles.Parameters, share, options.BatchSize, options.GradientStep, run.Execution);
        (_step.Program["x"], _step.Program["exact"]) = (new NdArray<float>(options.BatchSize, d), new NdArray<float>(options.BatchSize, d));
        _step.Program.BindIfUsed("t", new NdArray<float>());
        Measure();
    }

    /// <inheritdoc/>
    public bool IsDone => _error <= _options.InitialTolerance;

    /// <inheritdoc/>
    public void Init()
    {
        // The parameters' start is that of the particles' training.
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        _particles.Fill(_step.Program, _particles.Kept[0], iteration, _particles.Positions, 0);
        _particles.Fill(_step.Program, _particles.Kept[0], iteration, _exact, 0, "exact");
        return _step.Run(_particles.State, iteration, total, new DrawKey(0, (ulong)iteration));
    }

    /// <inheritdoc/>
    public IReadOnlyList<Figure> Validate()
    {
        Measure();
        return [new Figure("initial_error", "relative Fisher error", _error)];
    }

    /// <inheritdoc/>
    public void Exchange(RunState state) => state.Exchange(_particles.State);

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();

    private void Measure()
    {
        _particles.Keep(0);
        _particles.Scores(0, _particles.Positions, _learned);
        _error = Square(_learned, _exact) / _size;
    }

    // The mean of (a - b) . D (a - b).
    private double Square(double[] a, double[] b)
    {
        var (d, matrix, sum) = (_problem.Dimension, _problem.Diffusion.Matrix, 0.0);
        for (var i = 0; i < a.Length; i++)
        {
            var row = i / d * d;
            for (var j = 0; j < d; j++)
            {
                sum += (a[i] - b[i]) * matrix[(i % d * d) + j] * (a[row + j] - b[row + j]);
            }
        }

        return sum / (a.Length / d);
    }
}
