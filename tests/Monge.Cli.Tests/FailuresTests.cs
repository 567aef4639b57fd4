namespace Monge.Cli.Tests;

public sealed class FailuresTests
{
    [Fact]
    public void An_error_in_one_of_several_threads_is_told_as_its_own_sentence()
    {
        var error = Assert.Throws<AggregateException>(
            () => Parallel.For(0, 4, k => throw new ArithmeticException("The loss is no longer finite; take shorter steps.")));
        Assert.Equal("The loss is no longer finite; take shorter steps.", Failures.Sentence(error));
        Assert.Contains("please report it", Failures.Sentence(new AggregateException(new AggregateException(new MissingFieldException("x")))),
            StringComparison.Ordinal);
    }
}
