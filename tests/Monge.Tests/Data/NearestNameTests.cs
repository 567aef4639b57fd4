using Monge.Data;

namespace Monge.Tests.Data;

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
}
