namespace Monge.Cli.Tests;

public sealed class NearestNameTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("gmm9", "gmm9", 0)]
    [InlineData("gmm9", "gmm", 1)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("bnaana", "banana", 1)]
    public void Edit_distance_counts_insertions_deletions_substitutions_and_swaps(string a, string b, int distance)
    {
        Assert.Equal(distance, NearestName.EditDistance(a, b));
        Assert.Equal(distance, NearestName.EditDistance(b, a));
    }

    [Fact]
    public void Nothing_is_suggested_for_a_name_that_is_like_no_other() =>
        Assert.Null(NearestName.Find("zzzzzzzz", ["banana", "gmm9"]));

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
