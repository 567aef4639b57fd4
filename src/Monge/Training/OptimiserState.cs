using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Training;

/// <summary>Parameters [P] and what an optimiser remembers of them: all there is to checkpoint.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="parameters">The parameters' names and shapes.</param>
/// <param name="options">How a step follows the gradient.</param>
public sealed class OptimiserState<T>(ParameterSet parameters, GradientStepOptions options)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly AdamState<T> _adam = new(parameters.Count);

    /// <summary>The parameters.</summary>
    public NdArray<T> Parameters => _adam.Parameters;

    /// <summary>The moving average of the parameters: what is used after training.</summary>
    public NdArray<T> Average => _adam.Average;

    /// <summary>Steps taken.</summary>
    public long Steps
    {
        get => _adam.Steps;
        set => _adam.Steps = value;
    }

    /// <summary>All arrays with their names in files.</summary>
    public IEnumerable<(string Name, NdArray<T> Values)> Arrays =>
        [("parameters", Parameters), ("firstMoment", _adam.FirstMoment), ("secondMoment", _adam.SecondMoment), ("average", Average)];

    /// <summary>What is remembered of the losses, for a <see cref="Plateau"/>; in a checkpoint beside <see cref="Arrays"/> and <see cref="Steps"/>.</summary>
    public NdArray<double> LossMemory { get; } = NdArray<double>.From(Plateau.NewMemory(), Plateau.MemorySize);

    /// <summary>Begins the average at the parameters.</summary>
    public void BeginAverage() => _adam.BeginAverage();

    /// <summary>Takes one step of a run of a total length. The result is the same to the bit for any number of threads.</summary>
    /// <param name="gradient">The gradient [P].</param>
    /// <param name="loss">The loss that the gradient is of.</param>
    /// <param name="iteration">The step, from 0.</param>
    /// <param name="total">Steps of the whole run.</param>
    /// <param name="team">The threads to share the work of many parameters; null does it all on the calling thread.</param>
    /// <returns>The loss, and the gradient's norm before clipping; if that isn't finite, nothing was changed.</returns>
    /// <exception cref="ArgumentException">The gradient doesn't have P elements.</exception>
    public StepInfo Step(NdArray<T> gradient, double loss, long iteration, long total, ThreadTeam? team = null)
    {
        var rate = options.LearningRate.At(iteration, total);
        if (options.Plateau is { } plateau)
        {
            rate *= plateau.Share(LossMemory.Span);
            plateau.Observe(loss, LossMemory.Span);
        }

        return new StepInfo(loss, _adam.Step(gradient, rate, options.GradientClip, options.AverageDecay, team));
    }
}
