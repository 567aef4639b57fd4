using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class TargetLibraryTests
{
    [Theory]
    [InlineData("gm9", "gmm9")]
    [InlineData("bannana", "banana")]
    [InlineData("eight_schools", "eight-schools")]
    [InlineData("funel-10", "funnel-10")]
    [InlineData("Ionosphere", "ionosphere")]
    [InlineData("manywell-50", "many-well-50")]
    public void UnknownNamesGetTheNearest(string unknown, string nearest)
    {
        Assert.Equal(nearest, TargetLibrary.Nearest(unknown).First());
        var error = Assert.Throws<UnknownTargetException>(() => TargetLibrary.Get(unknown));
        Assert.StartsWith($"There is no target '{unknown}'; did you mean '{nearest}'", error.Message);
    }

    [Fact]
    public void NamesLikeNoneGetNoSuggestion() =>
        Assert.Equal("There is no target 'zzzzzz'.", Assert.Throws<UnknownTargetException>(() => TargetLibrary.Get("zzzzzz")).Message);

    [Theory]
    [InlineData("gaussian-7", 7)]
    [InlineData("many-well-16", 16)]
    [InlineData("funnel-3", 3)]
    [InlineData("gaussian-1", 1)]
    public void FamiliesTakeAnySize(string name, int dimension)
    {
        var density = TargetLibrary.Get(name);
        Assert.Equal((name, dimension), (density.Name, density.Dimension));
        density.Check();
    }

    [Theory]
    [InlineData("gaussian-0", "between 1 and 10000")]
    [InlineData("funnel-1", "between 2 and 1000")]
    [InlineData("many-well-7", "must be even")]
    public void ImpossibleSizesAreRefused(string name, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => TargetLibrary.Get(name)).Message);
}
