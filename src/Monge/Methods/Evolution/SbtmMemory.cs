using Monge.Runs;

namespace Monge.Methods;

/// <summary>The first particles as they were at a time, which one network of all times goes on learning on.</summary>
/// <param name="size">Numbers of their positions.</param>
/// <param name="hasScores">Whether they carry scores.</param>
internal sealed class SbtmMemory(int size, bool hasScores)
{
    /// <summary>Where they were, row-major.</summary>
    public double[] Positions { get; } = new double[size];

    /// <summary>Their scores; empty where they carry none.</summary>
    public double[] Scores { get; } = new double[hasScores ? size : 0];

    /// <summary>Takes the first of all particles.</summary>
    public void Take(ReadOnlySpan<double> positions, ReadOnlySpan<double> scores)
    {
        positions[..Positions.Length].CopyTo(Positions);
        scores[..Scores.Length].CopyTo(Scores);
    }

    /// <summary>Writes those of a time's number to a state, or fills them from one.</summary>
    public void Exchange(RunState state, int number)
    {
        state.Exchange<double>($"memory.{number}", Positions);
        if (Scores.Length > 0)
        {
            state.Exchange<double>($"memory.scores.{number}", Scores);
        }
    }
}
