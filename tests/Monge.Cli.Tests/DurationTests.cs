namespace Monge.Cli.Tests;

public sealed class DurationTests
{
    [Theory]
    [InlineData("90", 90)]
    [InlineData("90s", 90)]
    [InlineData("2m", 120)]
    [InlineData("1.5h", 5400)]
    public void Lengths_of_time_are_a_number_and_a_unit(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), CommandOptions.ParseDuration(text));

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("-2m")]
    [InlineData("2 weeks")]
    public void Other_texts_are_no_length_of_time(string text) => Assert.Null(CommandOptions.ParseDuration(text));
}
