using System.Diagnostics;
using Monge.Engine.Execution;

namespace Monge.Engine.Tests.Execution.Threads;

public sealed class ThreadChoiceTests
{
    [Theory]
    [InlineData(10, 6)]
    [InlineData(10, 15)]
    public void TheFasterWayIsTakenAndTheOtherSeldomTried(int alone, int all)
    {
        var choice = new ThreadChoice();
        Assert.True(choice.UsesAll(1));
        var shared = 0;
        const int calls = 20_000;
        for (var call = 0; call < calls; call++)
        {
            shared += choice.UsesAll(1) ? 1 : 0;

            // Every seventh call is held up.
            choice.Learn(1, (choice.UsesAll(1) ? all : alone) * (call % 7 == 0 ? 5 : 1));
        }

        Assert.InRange(all < alone ? calls - shared : shared, 1, 200);
    }

    [Fact]
    public void AChangeOfTheMachineIsNoticed()
    {
        var choice = new ThreadChoice();
        for (var call = 0; call < 20_000; call++)
        {
            choice.Learn(1, choice.UsesAll(1) ? 6 : 10);
        }

        Assert.True(choice.UsesAll(1));
        for (var call = 0; call < 10_000; call++)
        {
            choice.Learn(1, choice.UsesAll(1) ? 30 : 10);
        }

        Assert.False(choice.UsesAll(1));
    }

    [Fact]
    public void LongCallsAreAlwaysShared()
    {
        var choice = new ThreadChoice();
        for (var call = 0; call < 10_000; call++)
        {
            choice.Learn(1, choice.UsesAll(1) ? 30 : 10);
        }

        Assert.False(choice.UsesAll(1));
        Assert.True(choice.UsesAll(Stopwatch.Frequency));
    }
}
