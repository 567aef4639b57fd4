using Monge.Engine.Programs;

namespace Monge.Dynamics;

/// <summary>A control u(x, t), traced.</summary>
/// <param name="x">A position [d].</param>
/// <param name="t">The time, a scalar.</param>
/// <param name="volatility">What scores are multiplied by, a scalar.</param>
/// <param name="clip">The bound that a control may lay on scores and on itself, a scalar.</param>
/// <returns>The value [d].</returns>
public delegate Expr Control(Expr x, Expr t, Expr volatility, Expr clip);

/// <summary>The kernels of a trajectory-based sampler: a schedule and what it multiplies.</summary>
public sealed record ControlledKernels
{
    /// <summary>The bound that controls may lay on scores and on themselves until another is set.</summary>
    internal const double FirstClip = 10;

    /// <summary>d.</summary>
    public required int Dimension { get; init; }

    /// <summary>The numbers of the steps.</summary>
    public required KernelSchedule Schedule { get; init; }

    /// <summary>The parameters of the controls.</summary>
    public required ParameterSet Parameters { get; init; }

    /// <summary>The control u of the forward kernels; null for none.</summary>
    public Control? Forward { get; init; }

    /// <summary>The control v of the backward kernels; null for none.</summary>
    public Control? Backward { get; init; }

    /// <summary>The score s(x, t) [d] of the path; null for none.</summary>
    public Func<Expr, Expr, Expr, Expr>? Score { get; init; }

    /// <summary>The evaluations of the target that one step takes.</summary>
    public required int TargetCallsPerStep { get; init; }

    /// <summary>
    /// Traces one step. With <paramref name="detached"/> the end of the step is a number that doesn't depend on the parameters, while the kernels' densities
    /// still do.
    /// </summary>
    internal (Expr Next, Expr Gain) Step(Expr x, Expr noise, bool detached)
    {
        var mean = ForwardMean(x);
        var deviation = Leaf(nameof(KernelStep.ForwardDeviation));
        var end = mean + (deviation * noise);
        var logForward = -0.5 * noise.SquaredNorm();
        if (detached)
        {
            // The difference is 0 as a number; it carries the derivative of the forward kernel's density at a fixed end.
            logForward = -0.5 * (noise + ((mean.StopGradient() - mean) / deviation)).SquaredNorm();
            end = end.StopGradient();
        }

        return (end, (-0.5 * Leaf(nameof(KernelStep.BackwardPrecision)) * (x - BackwardMean(end)).SquaredNorm()) - logForward);
    }

    /// <summary>
    /// Traces one step the other way: from its end by the backward kernel to its begin, with the same log-ratio of backward and forward kernel.
    /// </summary>
    internal (Expr Begin, Expr Gain) StepBack(Expr end, Expr noise)
    {
        // Where the backward kernel is a point mass, deviation and precision are both 0.
        var deviation = Leaf(nameof(KernelStep.BackwardDeviation));
        var begin = BackwardMean(end) + (deviation * noise);
        var logBackward = -0.5 * Leaf(nameof(KernelStep.BackwardPrecision)) * deviation.Square() * noise.SquaredNorm();
        return (begin, logBackward + (0.5 * ((end - ForwardMean(begin)) / Leaf(nameof(KernelStep.ForwardDeviation))).SquaredNorm()));
    }

    private Expr ForwardMean(Expr x)
    {
        var (t, clip) = (Leaf("t"), Clip);
        var mean = Leaf(nameof(KernelStep.ForwardFactor)) * x;
        if (Score is not null)
        {
            mean += Leaf(nameof(KernelStep.ForwardScore)) * Score(x, t, clip);
        }

        return Forward is null ? mean : mean + (Leaf(nameof(KernelStep.ForwardControl)) * Forward(x, t, Leaf(nameof(KernelStep.Volatility)), clip));
    }

    private Expr BackwardMean(Expr end)
    {
        var (next, clip) = (Leaf("tNext"), Clip);
        var mean = Leaf(nameof(KernelStep.BackwardFactor)) * end;
        if (Score is not null)
        {
            mean += Leaf(nameof(KernelStep.BackwardScore)) * Score(end, next, clip);
        }

        return Backward is null ? mean : mean + (Leaf(nameof(KernelStep.BackwardControl)) * Backward(end, next, Leaf(nameof(KernelStep.NextVolatility)), clip));
    }

    private readonly Dictionary<string, Expr> _leaves = [];

    private Expr? _clip;

    private Expr Clip => _clip ??= Expr.Shared("clip");

    private Expr Leaf(string name)
    {
        if (!_leaves.TryGetValue(name, out var leaf))
        {
            leaf = Expr.PerStep(name);
            _leaves.Add(name, leaf);
        }

        return leaf;
    }
}
