using Monge.Engine.Arrays;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Runs;

/// <summary>Several phases of a run, stopped anywhere, go on to the same state.</summary>
public sealed class RunSessionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-session-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    private static RunIdentity Identity(int length = 20) => new("toy", [("target", "none")], new ToyOptions { Length = length });

    // A preparation, then two iterations of which the second starts where the first one ended.
    private static double[] Play(Run run, IList<string> made)
    {
        var session = new RunSession(run, Identity());
        var start = session.Once(
            "prepare",
            () =>
            {
                made.Add("prepare");
                return 0.1;
            },
            (value, state) => state.Put("start", value),
            state => state.Number("start"));
        var first = new Counter(start, made, "first");
        session.Iterate("first", first, 20, checkpointSeconds: 1e-9);
        var second = new Counter(first.Value, made, "second");
        session.Iterate("second", second, 20, checkpointSeconds: 1e-9);
        Assert.Equal(["prepare", "first", "second"], session.Phases);
        return [.. second.Values.Span];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(20)]
    [InlineData(21)]
    [InlineData(35)]
    public void StoppedAnywhereItGoesOnToTheSameState(int stop)
    {
        var whole = Play(new Run { Folder = Directory.CreateDirectory(Path.Combine(_folder, "whole")).FullName }, []);
        using var source = new CancellationTokenSource();
        var parts = new Run { Folder = Directory.CreateDirectory(Path.Combine(_folder, "parts")).FullName, Cancellation = source.Token };
        var made = new Stopper(stop, source);
        Assert.Throws<OperationCanceledException>(() => Play(parts, made));
        var again = new List<string>();
        Assert.Equal(whole, Play(parts with { Resume = true, Cancellation = default }, again));
        Assert.DoesNotContain("prepare", again);
        Assert.Equal(40 - made.Count(m => m != "prepare"), again.Count);
    }

    [Fact]
    public void CheckpointsOfOtherRunsAndDamagedOnesAreRefusedInOneSentence()
    {
        var run = new Run { Folder = _folder };
        Play(run, []);
        string Refusal(Run other, RunIdentity identity) =>
            Assert.Throws<CheckpointException>(() => new RunSession(other with { Resume = true }, identity)).Message;
        Assert.Contains("seed 1, not 2", Refusal(run with { Seed = 2 }, Identity()), StringComparison.Ordinal);
        Assert.Contains("other options", Refusal(run, Identity(21)), StringComparison.Ordinal);
        Assert.Contains("monge toy checkpoint, not monge other checkpoint", Refusal(run, Identity() with { Method = "other" }), StringComparison.Ordinal);
        var path = Path.Combine(_folder, RunSession.CheckpointName);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^10]);
        Assert.Contains("truncated", Refusal(run, Identity()), StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingArrayIsNamed()
    {
        var state = new RunState();
        state.Put("values", [1.0, 2.0]);
        var values = new NdArray<double>(3);
        Assert.Contains(
            "'values' has 2 numbers instead of 3",
            Assert.Throws<CheckpointException>(() => state.ToFill().Exchange("values", values)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "'other' is missing", Assert.Throws<CheckpointException>(() => state.ToFill().Exchange("other", values)).Message, StringComparison.Ordinal);
    }

    private sealed class Stopper(int stop, CancellationTokenSource source) : List<string>, IList<string>
    {
        void ICollection<string>.Add(string item)
        {
            Add(item);
            if (this.Count(m => m != "prepare") == stop)
            {
                source.Cancel();
            }
        }
    }

    private sealed class Counter(double start, IList<string> made, string name) : IIterative
    {
        private double _value = start;
        private long _steps;

        public double Value => _value;

        public NdArray<double> Values { get; } = new(2);

        public void Init() => Values.Span.Fill(_value);

        public StepInfo Step(long iteration, long total)
        {
            Assert.Equal(_steps++, iteration);
            made.Add(name);
            _value = Math.Sin(_value + iteration);
            Values[0] += _value;
            Values[1] *= 1 + (0.1 * _value);
            return new StepInfo();
        }

        public void Exchange(RunState state)
        {
            state.Exchange("values", Values);
            state.Exchange("value", ref _value);
            state.Exchange("steps", ref _steps);
        }
    }

    private sealed record ToyOptions : IMethodOptions
    {
        public int Length { get; init; }

        public void Check() => OptionCheck.AtLeast<int>(Length, 0);
    }
}
