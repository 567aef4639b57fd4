using Monge.Runs;

namespace Monge.Tests.Methods;

/// <summary>What is true of every algorithm that is taken step by step.</summary>
internal static class TrainingStates
{
    /// <summary>
    /// A second copy that is given the first one's state after some steps ends where the first one does, to the bit of every array and number.
    /// </summary>
    public static void AreAllThereIsToCheckpoint<T>(Func<T> make, int stop, int total)
        where T : IIterative, IDisposable
    {
        var kept = new RunState();
        using var first = make();
        first.Init();
        for (var i = 0; i < total; i++)
        {
            if (i == stop)
            {
                first.Exchange(kept);
            }

            first.Step(i, total);
        }

        using var second = make();
        second.Exchange(kept.ToFill());
        for (var i = stop; i < total; i++)
        {
            second.Step(i, total);
        }

        var (whole, parts) = (new RunState(), new RunState());
        first.Exchange(whole);
        second.Exchange(parts);
        Assert.True(whole.Arrays.Count > 3);
        Assert.Equal(whole.Words, parts.Words);
        Assert.Equal(whole.Arrays.Keys, parts.Arrays.Keys);
        foreach (var (name, values) in whole.Arrays)
        {
            Assert.Equal(values.ToDoubles(), parts.Arrays[name].ToDoubles());
        }
    }
}
